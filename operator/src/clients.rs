//! The operator's ways to the backends, as the configuration has them.

use anyhow::Context as _;

use crate::backend::preflight::Preflight;
use crate::backend::{kafka, postgres};
use crate::config::Config;
use crate::metrics::Metrics;

/// A client of every backend but Kubernetes.
pub struct Clients {
    /// PostgreSQL.
    pub database: postgres::client::Client,
    /// Kafka.
    pub kafka: kafka::client::Client,
}

impl Clients {
    /// The clients: none connects before it is used.
    ///
    /// # Errors
    /// A file that the configuration names can't be read.
    pub fn new(config: &Config, metrics: &Metrics) -> anyhow::Result<Self> {
        let connection = config.postgres.connection();
        Ok(Self {
            database: postgres::client::Client::new(
                connection,
                config.concurrency,
                metrics.clone(),
            ),
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
        [&self.database as &dyn Preflight, &self.kafka].into_iter()
    }
}
