//! Builds the PostgreSQL plane from the configuration.

use std::sync::Arc;

use super::Postgres;
use super::client::Client;
use crate::backend::kubernetes::credentials::Secrets;
use crate::backend::setup::{Member, Setup, plane};
use crate::config::ConfigError;

/// Builds the plane.
///
/// # Errors
/// `postgres.caFile` can't be read.
pub fn build(setup: Setup<'_>) -> Result<Arc<Postgres>, ConfigError> {
    let Setup {
        config,
        kubernetes,
        metrics,
    } = setup;
    let secrets = Secrets::new(kubernetes.clone(), config.postgres.address()?);
    let client = Client::new(
        config.postgres.connection(),
        config.concurrency,
        metrics.clone(),
    );
    let tenant_schemas = config.postgres.tenant_schemas.clone();
    let postgres = Postgres::new(client, Arc::new(secrets), tenant_schemas);
    Ok(Arc::new(postgres))
}

/// Returns the plane's entry in the list of backends.
pub fn member(postgres: &Arc<Postgres>) -> Member {
    Member {
        planes: vec![plane(postgres.clone())],
        preflight: Some(Arc::new(postgres.client().clone())),
    }
}
