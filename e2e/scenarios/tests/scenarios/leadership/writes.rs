//! What the leader of before has written.

use std::collections::BTreeSet;

use akili_scenarios::platform::{AUDIT_INTERVAL, Platform, Request, object_store_writes};
use anyhow::{Result, ensure};

/// As many tenants as the operator works on at once, and for each the call that was on
/// its way.
const ON_THEIR_WAY: usize = 8;

/// What was written when all was as wanted.
pub struct Writes<'a> {
    old: &'a str,
    address: String,
    to_object_store: usize,
    acls: BTreeSet<String>,
    mark: usize,
}

impl<'a> Writes<'a> {
    /// By this pod, the leader of before.
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

    /// There are no more since than were on their way, and nothing is left of those in
    /// Kafka. Of the other planes the tenants' own state tells.
    pub async fn are_put_right(&self, platform: &Platform) -> Result<()> {
        tokio::time::sleep(3 * AUDIT_INTERVAL).await;
        let requests = platform.operators_requests_since(self.mark)?;
        let late: Vec<_> = requests.iter().filter(|it| self.is_write(it)).collect();
        let to_object_store = to_object_store(&self.address)? - self.to_object_store;
        println!(
            "late writes of the old leader: {} to Kubernetes, {to_object_store} to the object store",
            late.len()
        );
        ensure!(
            late.len() <= ON_THEIR_WAY && to_object_store <= ON_THEIR_WAY,
            "the old leader still works: {late:#?}"
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

/// How many requests from this address that aren't reads the object store has answered.
pub fn to_object_store(address: &str) -> Result<usize> {
    object_store_writes(&format!(": {address} - "))
}
