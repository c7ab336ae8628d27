//! Polls StarRocks for what the queries of all tenants use.

use super::context::Work;
use crate::backoff::jittered;

/// Polls while there are tenants that may run queries. Never returns.
pub async fn run(work: &Work) {
    loop {
        if work.has_tenants() {
            match work.context.loads.loads().await {
                Ok(loads) => work.queries.update(loads),
                // The last values stay: the plane's own condition reports the outage.
                Err(error) => tracing::debug!(%error, "failed to read the load of queries"),
            }
        }
        tokio::time::sleep(jittered(work.context.audit_interval)).await;
    }
}
