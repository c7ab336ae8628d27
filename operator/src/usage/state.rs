//! Observed usage of tenants: storage as measured, queries as polled, and pods as the namespaces'
//! ResourceQuotas count them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use akili_crds::names::LABEL_TENANT_ID;
use akili_crds::quantity;
use akili_crds::tenant_quota::Compute;
use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ResourceQuota;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, ResourceExt};
use tokio::sync::Notify;

use crate::backend::TenantKey;
use crate::backoff::watch_backoff;

/// The name of a tenant's ResourceQuota.
const RESOURCE_QUOTA: &str = "akili";

/// Bytes to which the memory of queries is rounded up, as CPU is to a tenth of a core: a load is
/// never the same twice, and each change of a status is a write.
const MEMORY_STEP: i64 = 1 << 24;

/// One measurement of what a tenant stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    pub bytes: i64,
    pub at: Timestamp,
}

/// The last measurement of each tenant since this process became the leader.
#[derive(Default)]
pub struct Measurements(Mutex<BTreeMap<TenantKey, Measured>>);

impl Measurements {
    /// Returns the tenant's last measurement.
    pub fn of(&self, tenant: &TenantKey) -> Option<Measured> {
        self.all().get(tenant).copied()
    }

    /// Records a measurement.
    pub fn insert(&self, tenant: TenantKey, measured: Measured) {
        self.all().insert(tenant, measured);
    }

    /// Keeps the measurements of these tenants only.
    pub fn retain(&self, is_there: impl Fn(&TenantKey) -> bool) {
        self.all().retain(|tenant, _| is_there(tenant));
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<TenantKey, Measured>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Load of queries when StarRocks was last polled; none before.
#[derive(Default)]
pub struct Queries(Mutex<Option<BTreeMap<String, Compute>>>);

impl Queries {
    /// Returns what this tenant's queries used; none while StarRocks was never asked.
    pub fn of(&self, tenant: &TenantKey) -> Option<Compute> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let load = known.as_ref()?.get(&tenant.id.starrocks_name());
        let load = load.cloned().unwrap_or_default();
        Some(Compute {
            cpu: Some((load.cpu.unwrap_or_default() * 10.0).ceil() / 10.0),
            memory_bytes: Some(rounded_up(load.memory_bytes.unwrap_or_default())),
        })
    }

    /// Records the loads of all resource groups.
    pub fn update(&self, loads: BTreeMap<String, Compute>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(loads);
    }
}

fn rounded_up(bytes: i64) -> i64 {
    let steps = bytes / MEMORY_STEP + i64::from(bytes % MEMORY_STEP > 0);
    steps.saturating_mul(MEMORY_STEP)
}

/// Compute that tenants' pods may use together: a cache of their ResourceQuotas.
pub struct Pods {
    known: Store<ResourceQuota>,
    changed: Notify,
}

impl Pods {
    /// Creates the view of this cache, which [`follow`](Self::follow) fills.
    pub fn new(known: Store<ResourceQuota>) -> Self {
        Self {
            known,
            changed: Notify::new(),
        }
    }

    /// Fills the cache from a watch. Never returns.
    pub async fn follow(&self, client: Client, known: Writer<ResourceQuota>) {
        let of_tenants = watcher::Config::default().labels(LABEL_TENANT_ID);
        watcher(Api::<ResourceQuota>::all(client), of_tenants)
            .backoff(watch_backoff())
            .modify(|quota| {
                // Only the status is read.
                quota.managed_fields_mut().clear();
                quota.spec = None;
            })
            .reflect(known)
            .for_each(|event| async move {
                match event {
                    Ok(_) => self.changed.notify_one(),
                    Err(error) => tracing::warn!(%error, "failed to watch ResourceQuotas"),
                }
            })
            .await;
    }

    /// Waits until all ResourceQuotas were listed once.
    pub async fn are_known(&self) {
        // The cache's writer is dropped only when the process stops.
        let _ = self.known.wait_until_ready().await;
    }

    /// Waits until something has changed since the last call.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Returns what the pods of this namespace may use together; none while Kubernetes hasn't
    /// counted.
    pub fn of(&self, namespace: &str) -> Option<Compute> {
        let quota = self
            .known
            .get(&ObjectRef::new(RESOURCE_QUOTA).within(namespace))?;
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
        cpu: text("limits.cpu").and_then(quantity::parse),
        memory_bytes: text("limits.memory").and_then(quantity::parse_whole),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenant::tests::harness::key as tenant;
    use kube::runtime::reflector;
    use serde_json::json;

    #[test]
    fn pods_not_counted_yet_are_absent() {
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

    #[test]
    fn queries_are_absent_before_the_first_update_and_zero_after() {
        let compute = |cpu, memory_bytes| Compute {
            cpu: Some(cpu),
            memory_bytes: Some(memory_bytes),
        };
        let queries = Queries::default();
        assert_eq!(queries.of(&tenant()), None);
        queries.update(BTreeMap::new());
        assert_eq!(queries.of(&tenant()), Some(compute(0.0, 0)));
        let load = compute(0.31, MEMORY_STEP + 1);
        queries.update([(tenant().id.starrocks_name(), load)].into());
        assert_eq!(queries.of(&tenant()), Some(compute(0.4, 2 * MEMORY_STEP)));
    }
}
