//! Builds the two planes of StarRocks from the configuration.

use std::sync::Arc;

use akili_core::starrocks::catalog::properties::{ObjectStoreLocation, Template};

use super::client::Client;
use super::usage::Loads;
use super::{Catalog, ResourceGroup};
use crate::backend::credentials::Credentials;
use crate::backend::kubernetes::credentials::Secrets;
use crate::backend::setup::{Member, Setup, plane};
use crate::config::ConfigError;

/// StarRocks, and what others use of it.
pub struct Built {
    pub member: Member,
    /// Reads what queries use.
    pub loads: Arc<dyn Loads>,
}

/// Builds both planes. Catalogs hold a copy of the tenant's key to the object store.
///
/// # Errors
/// `starrocks.caFile` or `objectStore.caFile` can't be read.
pub fn build(
    setup: Setup<'_>,
    object_store_keys: Arc<dyn Credentials>,
) -> Result<Built, ConfigError> {
    let config = &setup.config.starrocks;
    let address = config.address()?;
    let client = Client::new(
        &address,
        &config.user,
        &config.password,
        setup.config.concurrency,
        setup.metrics.clone(),
    );
    let object_store = &setup.config.object_store;
    let template = Template {
        properties: config.catalog.properties.clone(),
        object_store: ObjectStoreLocation {
            endpoint: object_store.endpoint.clone(),
            region: object_store.region.clone(),
            bucket: object_store.bucket.clone(),
        },
    };
    let secrets = Secrets::new(setup.kubernetes.clone(), address);
    let catalog = Catalog::new(
        client.clone(),
        Arc::new(secrets),
        object_store_keys,
        template,
    );
    let resource_group = ResourceGroup::new(client.clone());
    Ok(Built {
        member: Member {
            planes: vec![plane(Arc::new(catalog)), plane(Arc::new(resource_group))],
            preflight: Some(Arc::new(client.clone())),
        },
        loads: Arc::new(client),
    })
}
