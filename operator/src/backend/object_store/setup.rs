//! Builds the object-store plane from the configuration.

use std::sync::Arc;

use super::ObjectStore;
use super::client::Client;
use super::measure::Listing;
use crate::backend::credentials::Credentials;
use crate::backend::kubernetes::credentials::Secrets;
use crate::backend::setup::{Member, Setup, plane};

/// The object store, and what others use of it.
pub struct Built {
    pub member: Member,
    /// The tenants' keys, which catalogs hold a copy of: the plane that needs one first creates
    /// it.
    pub credentials: Arc<dyn Credentials>,
    /// Lists what tenants store.
    pub listing: Arc<dyn Listing>,
}

/// Builds the plane.
///
/// # Errors
/// `objectStore.caFile` can't be read or parsed.
pub fn build(setup: Setup<'_>) -> anyhow::Result<Built> {
    let config = &setup.config.object_store;
    let address = config.address()?;
    let client = Client::new(
        &address,
        &config.access_key,
        &config.secret_key,
        setup.metrics.clone(),
    )?;
    let credentials = Arc::new(Secrets::new(setup.kubernetes.clone(), address));
    let backend = ObjectStore::new(client.clone(), credentials.clone());
    Ok(Built {
        member: Member {
            planes: vec![plane(Arc::new(backend))],
            preflight: Some(Arc::new(client.clone())),
        },
        credentials,
        listing: Arc::new(client),
    })
}
