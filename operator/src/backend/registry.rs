//! The list of backends. Each builds itself from its own part of the configuration.

use std::sync::Arc;

use super::kubernetes::{self, Kubernetes};
use super::object_store::measure::Listing;
use super::postgres::{self, Postgres};
use super::preflight::Preflight;
use super::setup::{Member, Setup};
use super::starrocks::usage::Loads;
use super::{Plane, kafka, object_store, starrocks};

/// All backends. None connects before it is used.
pub struct Backends {
    /// Opens a tenant's namespace.
    pub kubernetes: Arc<Kubernetes>,
    /// Holds the tenants' registry, and the tables that all tenants share.
    pub postgres: Arc<Postgres>,
    /// Measures what tenants store.
    pub listing: Arc<dyn Listing>,
    /// Reads what queries use.
    pub loads: Arc<dyn Loads>,
    members: Vec<Member>,
}

impl Backends {
    /// Builds all backends.
    ///
    /// # Errors
    /// The configuration names a file that can't be read, or a value that a client rejects.
    pub fn build(setup: Setup<'_>) -> anyhow::Result<Self> {
        let kubernetes = kubernetes::setup::build(setup);
        let postgres = postgres::setup::build(setup)?;
        let object_store = object_store::setup::build(setup)?;
        let starrocks = starrocks::setup::build(setup, object_store.credentials.clone())?;
        Ok(Self {
            // Kubernetes first: its namespace holds the others' credentials.
            members: vec![
                kubernetes::setup::member(&kubernetes),
                postgres::setup::member(&postgres),
                object_store.member,
                kafka::setup::build(setup, postgres.client().clone())?,
                starrocks.member,
            ],
            listing: object_store.listing,
            loads: starrocks.loads,
            kubernetes,
            postgres,
        })
    }

    /// Returns every plane, Kubernetes first.
    pub fn planes(&self) -> Vec<Arc<dyn Plane>> {
        let members = self.members.iter();
        members.flat_map(|it| it.planes.iter().cloned()).collect()
    }

    /// Returns the checks of every backend, PostgreSQL first.
    pub fn preflights(&self) -> impl Iterator<Item = &dyn Preflight> {
        self.members.iter().filter_map(|it| it.preflight.as_deref())
    }
}
