//! The operator's ways to the backends, as the configuration has them.

use anyhow::Context as _;

use crate::backend::preflight::Preflight;
use crate::backend::{kafka, object_store, postgres};
use crate::config::Config;
use crate::metrics::Metrics;

/// A client of every backend but Kubernetes.
pub struct Clients {
    /// PostgreSQL.
    pub database: postgres::client::Client,
    /// The object store.
    pub objects: object_store::client::Client,
    /// Kafka.
    pub kafka: kafka::client::Client,
}

impl Clients {
    /// The clients: none connects before it is used.
    ///
    /// # Errors
    /// A file that the configuration names can't be read, or isn't what it should be.
    pub fn new(config: &Config, metrics: &Metrics) -> anyhow::Result<Self> {
        let connection = config.postgres.connection();
        let objects = &config.object_store;
        Ok(Self {
            database: postgres::client::Client::new(
                connection,
                config.concurrency,
                metrics.clone(),
            ),
            objects: object_store::client::Client::new(
                &objects.address()?,
                &objects.access_key,
                &objects.secret_key,
                metrics.clone(),
            )?,
            kafka: kafka::client::Client::new(
                config.kafka.address()?,
                &config.kafka.user,
                &config.kafka.password,
                metrics.clone(),
            )
            .context("check kafka.bootstrapServers and kafka.caFile")?,
        })
    }

    /// All of them, PostgreSQL first.
    pub fn all(&self) -> impl Iterator<Item = &dyn Preflight> {
        let backends: [&dyn Preflight; 3] = [&self.database, &self.objects, &self.kafka];
        backends.into_iter()
    }
}
