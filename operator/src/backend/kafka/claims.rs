//! Claims: which tenants own the topics with their prefix. Kafka has no place for such a mark, so
//! the tenant's row in the registry has it.

use async_trait::async_trait;
use sqlx::{Row as _, query};

use crate::backend::TenantKey;
use crate::backend::postgres::client::Client as Database;
use crate::backend::postgres::error::explain;
use crate::error::{Error, Reason};

const READING: &str = "reading the registry";

/// Records which topics are a tenant's.
#[async_trait]
pub trait Claims: Send + Sync {
    /// Returns whether the topics with the tenant's prefix are its own, also those that somebody
    /// else created.
    async fn has_topics(&self, tenant: &TenantKey) -> Result<bool, Error>;

    /// Records that they are from now on.
    async fn claim_topics(&self, tenant: &TenantKey) -> Result<(), Error>;
}

/// Claims in the tenants' registry.
pub struct RegistryClaims {
    database: Database,
}

impl RegistryClaims {
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl Claims for RegistryClaims {
    async fn has_topics(&self, tenant: &TenantKey) -> Result<bool, Error> {
        let select = query("SELECT has_topics FROM akili.tenants WHERE id = $1");
        let rows = self.database.fetch(READING, select.bind(tenant.id.uuid()));
        let rows = rows.await.map_err(unavailable)?;
        let claimed = rows.first().map(|row| row.try_get("has_topics"));
        claimed
            .transpose()
            .map_err(|error| unavailable(explain(READING, &error)))
            .map(|it| it.unwrap_or(false))
    }

    async fn claim_topics(&self, tenant: &TenantKey) -> Result<(), Error> {
        let claim = query("UPDATE akili.tenants SET has_topics = true WHERE id = $1");
        let claimed = self
            .database
            .execute("claiming a tenant's topics", claim.bind(tenant.id.uuid()));
        claimed.await.map(drop).map_err(unavailable)
    }
}

/// Gives every failure of the registry the same reason.
fn unavailable(error: Error) -> Error {
    Error {
        reason: Reason::RegistryUnavailable,
        ..error
    }
}
