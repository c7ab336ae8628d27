//! What tenants' pods may use together, as the ResourceQuotas of their namespaces count it.

use std::collections::BTreeMap;

use akili_crds::limit::whole;
use akili_crds::names::LABEL_TENANT_ID;
use akili_crds::quota::quantity;
use akili_crds::tenant_quota::Compute;
use futures::StreamExt;
use k8s_openapi::api::core::v1::ResourceQuota;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, ResourceExt};
use tokio::sync::Notify;

use crate::watch;

/// The name of a tenant's ResourceQuota.
const NAME: &str = "akili";

/// The ResourceQuotas, as they are known.
pub struct Pods {
    known: Store<ResourceQuota>,
    changed: Notify,
}

impl Pods {
    /// What this store knows, of which nothing was heard yet.
    pub fn new(known: Store<ResourceQuota>) -> Self {
        Self {
            known,
            changed: Notify::new(),
        }
    }

    /// Follows the ResourceQuotas: for ever.
    pub async fn follow(&self, client: Client, known: Writer<ResourceQuota>) {
        let of_tenants = watcher::Config::default().labels(LABEL_TENANT_ID);
        watcher(Api::<ResourceQuota>::all(client), of_tenants)
            .backoff(watch::pauses())
            .modify(|quota| {
                // Nothing else is looked at.
                quota.managed_fields_mut().clear();
                quota.spec = None;
            })
            .reflect(known)
            .for_each(|event| async move {
                match event {
                    Ok(_) => self.changed.notify_one(),
                    Err(error) => tracing::warn!(%error, "pods can't be counted now"),
                }
            })
            .await;
    }

    /// Waits until all ResourceQuotas were heard of once.
    pub async fn are_known(&self) {
        // Whoever would fill the store is stopping.
        let _ = self.known.wait_until_ready().await;
    }

    /// Waits until something has changed since the last call.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// What the pods of this namespace may use together; nothing where it isn't counted.
    pub fn of(&self, namespace: &str) -> Option<Compute> {
        let quota = self.known.get(&ObjectRef::new(NAME).within(namespace))?;
        let used = quota
            .status
            .as_ref()
            .and_then(|status| status.used.as_ref());
        let used = compute(used?);
        (used != Compute::default()).then_some(used)
    }
}

fn compute(used: &BTreeMap<String, Quantity>) -> Compute {
    let text = |name: &str| used.get(name).map(|quantity| quantity.0.as_str());
    Compute {
        cpu: text("limits.cpu").and_then(quantity),
        memory_bytes: text("limits.memory").and_then(whole),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::runtime::reflector;
    use serde_json::json;

    #[test]
    fn what_is_not_counted_yet_is_absent() {
        let (known, mut writer) = reflector::store();
        let pods = Pods::new(known);
        for (namespace, used) in [
            (
                "counted",
                json!({"limits.cpu": "1500m", "limits.memory": "2Gi", "pods": "1"}),
            ),
            ("idle", json!({"limits.cpu": "0", "limits.memory": "0"})),
            ("new", json!({})),
        ] {
            let quota = json!({
                "metadata": {"name": "akili", "namespace": namespace}, "status": {"used": used},
            });
            let quota = serde_json::from_value(quota).unwrap();
            writer.apply_watcher_event(&watcher::Event::Apply(quota));
        }
        let compute = |cpu, memory_bytes| {
            Some(Compute {
                cpu: Some(cpu),
                memory_bytes: Some(memory_bytes),
            })
        };
        assert_eq!(pods.of("counted"), compute(1.5, 2 << 30));
        assert_eq!(pods.of("idle"), compute(0.0, 0));
        assert_eq!(pods.of("new"), None);
        assert_eq!(pods.of("nowhere"), None);
    }
}
