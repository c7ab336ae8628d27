//! Whose products, connections or pods are no longer as many as they were.

use std::collections::HashMap;
use std::time::Duration;

use akili_crds::tenant_quota::Usage;
use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;
use tokio::sync::mpsc::UnboundedSender;

use super::{Readable, Work};

/// Changes come in bursts, which are told together: a status is written no more often.
const BURST: Duration = Duration::from_millis(500);

/// Sends every quota whose tenant has more or less than before: for ever. All are looked
/// at together, which costs no call.
pub async fn run(work: &Work, changed: &UnboundedSender<ObjectRef<Readable>>) {
    let mut before = HashMap::new();
    loop {
        let now = count(work);
        for (slug, used) in &now {
            let quota = ObjectRef::new(slug);
            // One that isn't known yet is looked at when it is.
            if before.get(slug) != Some(used) && work.quotas.get(&quota).is_some() {
                // Whoever would receive it is stopping.
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
