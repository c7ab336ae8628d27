//! Logins of a tenant in all backends with the credentials of its Secrets.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{Backend, Platform, TIMEOUT};
use akili_testbed::command::succeed;

impl Backend {
    /// Returns the Secret with a tenant's credential, and the name of its secret entry.
    pub fn credential(self) -> (&'static str, &'static str) {
        match self {
            Self::PostgreSql => ("akili-postgres", "password"),
            Self::ObjectStore => ("akili-object-store", "secret-access-key"),
            Self::Kafka => ("akili-kafka", "password"),
            Self::StarRocks => ("akili-starrocks", "password"),
        }
    }
}

impl Platform {
    /// Waits until the tenant can log in to every backend.
    pub async fn wait_until_logins_work(&self, slug: &str) -> Result<()> {
        let began = Instant::now();
        for backend in Backend::ALL {
            while let Err(error) = self.log_in(slug, backend).await {
                if began.elapsed() > TIMEOUT {
                    return Err(error).with_context(|| format!("{slug}: {backend:?}"));
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Ok(())
    }

    /// Logs in as the tenant and reads something of its own.
    async fn log_in(&self, slug: &str, backend: Backend) -> Result<()> {
        match backend {
            Backend::PostgreSql => succeed(&self.as_tenant(slug, "SELECT 1")?).map(drop),
            Backend::ObjectStore => {
                let tenant = self.object_store_of(slug)?;
                let list = tenant.client.list_objects_v2().bucket(tenant.bucket);
                Ok(list.prefix(tenant.prefix).send().await.map(drop)?)
            }
            Backend::Kafka => {
                let tenant = self.kafka_of(slug)?;
                Ok(tenant.offsets(&format!("{slug}.events")).map(drop)?)
            }
            Backend::StarRocks => {
                let catalog = self.status(slug, "resources.catalog.name")?;
                let mut tenant = self.starrocks_of(slug).await?;
                let list = format!("SHOW DATABASES FROM {catalog}");
                Ok(tenant.query(&list).await.map(drop)?)
            }
        }
    }
}
