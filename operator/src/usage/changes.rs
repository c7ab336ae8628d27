//! Finds tenants whose number of products, connections or pods changed.

use std::collections::HashMap;
use std::time::Duration;

use akili_crds::TenantQuota;
use akili_crds::tenant_quota::Usage;
use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;
use tokio::sync::mpsc::UnboundedSender;

use super::context::Work;
use crate::backoff::Readable;

/// Changes come in bursts. Each burst is handled together, so a status is written no more often
/// than this.
const BURST: Duration = Duration::from_millis(500);

/// Sends every quota whose tenant's usage changed. All tenants are compared from the caches, which
/// costs no call. Never returns.
pub async fn run(work: &Work, changed: &UnboundedSender<ObjectRef<Readable<TenantQuota>>>) {
    let mut before = HashMap::new();
    loop {
        let now = count(work);
        for (slug, used) in &now {
            let quota = ObjectRef::new(slug);
            // A quota that the cache doesn't have yet is reconciled when it appears.
            if before.get(slug) != Some(used) && work.quotas.get(&quota).is_some() {
                // The receiver is dropped only when the controller stops.
                let _ = changed.send(quota);
            }
        }
        before = now;
        tokio::time::sleep(BURST).await;
        tokio::select! {
            () = work.context.counts.changed() => {}
            () = work.pods.changed() => {}
            // A tenant may have got its id since, or have been purged.
            () = tokio::time::sleep(work.context.audit_interval) => {}
        }
    }
}

fn count(work: &Work) -> HashMap<String, Option<Usage>> {
    let tenants = work.context.tenants.state();
    let slugs = tenants.iter().map(|tenant| tenant.name_any());
    let count = |slug: String| {
        let used = work.tenant(&slug).map(|key| work.used(&key));
        (slug, used)
    };
    slugs.map(count).collect()
}
