//! Builds the Kafka plane from the configuration.

use std::sync::Arc;

use anyhow::Context as _;

use super::Kafka;
use super::claims::RegistryClaims;
use super::client::Client;
use crate::backend::kubernetes::credentials::Secrets;
use crate::backend::postgres::client::Client as Database;
use crate::backend::setup::{Member, Setup, plane};

/// Builds the plane. Claims are recorded in this database.
///
/// # Errors
/// `kafka.caFile` can't be read, or librdkafka rejects the configuration.
pub fn build(setup: Setup<'_>, database: Database) -> anyhow::Result<Member> {
    let config = &setup.config.kafka;
    let address = config.address()?;
    let client = Client::new(
        address.clone(),
        &config.user,
        &config.password,
        setup.metrics.clone(),
    )
    .context("check kafka.bootstrapServers and kafka.caFile")?;
    let kafka = Kafka::new(
        client.clone(),
        Arc::new(Secrets::new(setup.kubernetes.clone(), address)),
        Arc::new(RegistryClaims::new(database)),
        config.topics.clone(),
    );
    Ok(Member {
        planes: vec![plane(Arc::new(kafka))],
        preflight: Some(Arc::new(client)),
    })
}
