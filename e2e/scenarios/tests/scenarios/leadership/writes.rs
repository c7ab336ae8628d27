//! Late writes of the former leader.

use std::collections::BTreeSet;

use akili_scenarios::platform::{AUDIT_INTERVAL, Platform, Request, object_store_writes};
use anyhow::{Result, ensure};

/// Calls that may be under way: one for each tenant that the operator reconciles
/// concurrently.
const MAX_UNDER_WAY: usize = 8;

/// Writes until all tenants had settled.
pub struct Writes<'a> {
    old: &'a str,
    address: String,
    to_object_store: usize,
    acls: BTreeSet<String>,
    mark: usize,
}

impl<'a> Writes<'a> {
    /// Returns the writes of this pod, the former leader.
    pub async fn of(platform: &Platform, old: &'a str) -> Result<Self> {
        let address = platform.address_of(old)?;
        Ok(Self {
            old,
            to_object_store: to_object_store(&address)?,
            address,
            acls: acls(platform).await?,
            mark: platform.audit_mark()?,
        })
    }

    /// Checks that no more writes followed than were under way, and that those in Kafka
    /// were corrected. The other planes are covered by the tenants' own state.
    pub async fn ensure_corrected(&self, platform: &Platform) -> Result<()> {
        tokio::time::sleep(3 * AUDIT_INTERVAL).await;
        let requests = platform.operators_requests_since(self.mark)?;
        let late: Vec<_> = requests.iter().filter(|it| self.is_write(it)).collect();
        let to_object_store = to_object_store(&self.address)? - self.to_object_store;
        println!(
            "late writes of the old leader: {} to Kubernetes, {to_object_store} to the object store",
            late.len()
        );
        ensure!(
            late.len() <= MAX_UNDER_WAY && to_object_store <= MAX_UNDER_WAY,
            "the old leader continues to write: {late:#?}"
        );
        let now = acls(platform).await?;
        let changed: Vec<_> = self.acls.symmetric_difference(&now).collect();
        ensure!(changed.is_empty(), "Kafka's ACLs stay changed: {changed:?}");
        Ok(())
    }

    fn is_write(&self, request: &Request) -> bool {
        let reads = ["get", "list", "watch"].contains(&request.verb.as_str());
        request.pod == self.old && !reads && request.resource != "leases"
    }
}

async fn acls(platform: &Platform) -> Result<BTreeSet<String>> {
    let acls = platform.kafka_admin()?.access.acls(None).await?;
    Ok(acls.iter().map(ToString::to_string).collect())
}

/// Returns the number of write requests from this address that the object store has
/// answered.
pub fn to_object_store(address: &str) -> Result<usize> {
    object_store_writes(&format!(": {address} - "))
}
