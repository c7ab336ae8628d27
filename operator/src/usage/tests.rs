//! Tests of the TenantQuota controller against an API server and an object store in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use akili_core::object_store::model::{Cursor, Listed, Size, Upload};
use akili_crds::quota::GB;
use akili_crds::tenant_quota::Compute;
use akili_crds::{Tenant, TenantId, TenantQuota};
use async_trait::async_trait;
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector;
use kube::runtime::reflector::store::Writer;
use kube::runtime::watcher::Event;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::context::{Context, Work};
use super::measure;
use super::reconcile::{reconcile, reconcile_quota};
use super::state::{Measurements, Pods, Queries};
use crate::backend::Growth;
use crate::backend::kubernetes::fake::ApiServer;
use crate::backend::object_store::measure::Listing;
use crate::backend::starrocks::usage::Loads;
use crate::backoff::Readable;
use crate::error::{Error, Reason};
use crate::metrics::Metrics;
use crate::object_counts::ObjectCounts;
use crate::tenant::tests::harness::{self, ID, QUOTA, lead, leadership};

/// An object store with one object, on the second of two pages.
#[derive(Default)]
struct Objects {
    bytes: AtomicI64,
    asked: AtomicUsize,
}

#[async_trait]
impl Listing for Objects {
    async fn versions(&self, prefix: &str, after: Option<&Cursor>) -> Result<Listed<Size>, Error> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let key = format!("{prefix}object");
        let bytes = self.bytes.load(Ordering::Relaxed);
        let next = Cursor {
            key: key.clone(),
            id: String::new(),
        };
        Ok(match after {
            None => Listed {
                items: vec![],
                next: Some(next),
            },
            Some(_) => Listed {
                items: vec![Size { key, bytes }],
                next: None,
            },
        })
    }

    async fn uploads(&self, _: &str, _: Option<&Cursor>) -> Result<Listed<Upload>, Error> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Ok(Listed {
            items: vec![],
            next: None,
        })
    }

    async fn parts(&self, _: &Upload, _: Option<&Cursor>) -> Result<Listed<Size>, Error> {
        unreachable!("there is no upload")
    }
}

#[async_trait]
impl Loads for Objects {
    async fn loads(&self) -> Result<BTreeMap<String, Compute>, Error> {
        Ok(BTreeMap::new())
    }
}

/// A cluster with the tenant acme, and everything that the controller works with.
struct World {
    server: ApiServer,
    objects: Arc<Objects>,
    tenants: Writer<Readable<Tenant>>,
    quotas: Writer<Readable<TenantQuota>>,
    work: Work,
}

impl World {
    fn new(counts: ObjectCounts) -> Self {
        let server = ApiServer::default();
        lead(&server, "us");
        let (known, tenants) = reflector::store();
        let (quotas_known, quotas) = reflector::store();
        let (pods, _) = reflector::store();
        let objects = Arc::new(Objects::default());
        let client = server.client();
        let context = Context {
            tenants: known,
            counts,
            objects: objects.clone(),
            loads: objects.clone(),
            leadership: leadership(&client),
            recorder: Recorder::new(client.clone(), Reporter::from("akili-operator")),
            metrics: Metrics::default(),
            concurrency: 1,
            audit_interval: Duration::from_secs(60),
            measure_interval: Duration::from_secs(900),
            client,
        };
        let mut world = Self {
            work: Work {
                quotas: quotas_known,
                pods: Pods::new(pods),
                queries: Queries::default(),
                storage: Measurements::default(),
                context,
            },
            server,
            objects,
            tenants,
            quotas,
        };
        world.update_tenant_cache("Active", "ACTIVE");
        let limits = json!({"maxProducts": 2, "maxStorageGb": 1});
        let quota = json!({
            "apiVersion": "akili.io/v1alpha1", "kind": "TenantQuota",
            "metadata": {"name": "acme", "uid": "2", "generation": 1}, "spec": limits,
        });
        world.server.put(QUOTA, quota);
        world.update_quota_cache();
        world
    }

    fn update_tenant_cache(&mut self, state: &str, phase: &str) {
        let tenant = harness::tenant(state, phase);
        let tenant = serde_json::from_value(tenant).unwrap();
        self.tenants.apply_watcher_event(&Event::Apply(tenant));
    }

    /// Copies the server's quota into the cache.
    fn update_quota_cache(&mut self) {
        let quota = serde_json::from_value(self.server.get(QUOTA).unwrap()).unwrap();
        self.quotas.apply_watcher_event(&Event::Init);
        self.quotas.apply_watcher_event(&Event::InitApply(quota));
        self.quotas.apply_watcher_event(&Event::InitDone);
    }

    /// Reconciles the quota of acme. Returns the writes.
    async fn reconcile(&self) -> Vec<String> {
        self.server.take_requests();
        reconcile_quota("acme", &self.work).await.unwrap();
        let requests = self.server.take_requests().into_iter();
        requests.filter(|it| !it.starts_with("GET ")).collect()
    }

    fn status(&self) -> Value {
        self.server.get(QUOTA).unwrap()["status"].clone()
    }

    /// Runs measurements for this time. Returns how many pages were read.
    async fn measure_for(&self, seconds: u64) -> usize {
        let (measured, _heard) = mpsc::unbounded_channel();
        let before = self.objects.asked.load(Ordering::Relaxed);
        let time = Duration::from_secs(seconds);
        let _ = tokio::time::timeout(time, measure::run(&self.work, &measured)).await;
        self.objects.asked.load(Ordering::Relaxed) - before
    }

    fn store(&self, bytes: i64) {
        self.objects.bytes.store(bytes, Ordering::Relaxed);
    }
}

fn products(names: &[&str]) -> ObjectCounts {
    let id: TenantId = ID.parse().unwrap();
    ObjectCounts::with_products(&id.namespace(), names)
}

#[tokio::test]
async fn usage_is_written_once_and_warned_of_once() {
    let world = World::new(products(&["a", "b"]));
    let written = world.reconcile().await;
    let [event, status] = &written[..] else {
        panic!("{written:?}");
    };
    assert!(event.contains("/namespaces/default/events"), "{event}");
    assert_eq!(status, &format!("PATCH {QUOTA}/status"));
    assert_eq!(
        world.status()["used"],
        json!({"products": 2, "connections": 0})
    );
    assert_eq!(world.status()["summary"]["products"], "2/2");
    assert_eq!(world.reconcile().await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn storage_is_measured_at_once_then_on_its_schedule() {
    let world = World::new(products(&[]));
    world.store(5);
    assert_eq!(
        world.measure_for(600).await,
        3,
        "two pages, and the uploads"
    );
    world.reconcile().await;
    assert_eq!(world.status()["used"]["storageBytes"], 5);
    assert!(world.status()["measuredAt"].is_string());

    world.work.storage.retain(|_| false);
    assert_eq!(
        world.reconcile().await,
        Vec::<String>::new(),
        "a new leader"
    );
    assert_eq!(world.status()["used"]["storageBytes"], 5);
}

#[tokio::test(start_paused = true)]
async fn tenant_over_its_limit_is_measured_every_minute() {
    let mut world = World::new(products(&[]));
    world.store(2 * GB);
    assert_eq!(world.measure_for(2).await, 3);
    world.reconcile().await;
    let mut quota = world.server.get(QUOTA).unwrap();
    quota["status"]["measuredAt"] = json!("2026-01-01T00:00:00Z");
    world.server.put(QUOTA, quota);
    world.update_quota_cache();
    let quota: TenantQuota = serde_json::from_value(world.server.get(QUOTA).unwrap()).unwrap();
    assert_eq!(Growth::of(&quota), Growth::Denied);
    let pages = world.measure_for(600).await;
    assert!((27..=36).contains(&pages), "{pages}");
}

#[tokio::test(start_paused = true)]
async fn archived_tenant_is_not_measured() {
    for (state, phase) in [
        ("Archived", "ACTIVE"),
        ("Archived", "ARCHIVED"),
        ("Active", "ARCHIVED"),
    ] {
        let mut world = World::new(products(&[]));
        world.update_tenant_cache(state, phase);
        assert_eq!(world.measure_for(600).await, 0, "{state}, {phase}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_measured_or_written_after_losing_the_lease() {
    let world = World::new(products(&["a"]));
    lead(&world.server, "another");
    assert_eq!(world.measure_for(60).await, 0);
    let quota = serde_json::from_value(world.server.get(QUOTA).unwrap()).unwrap();
    let (server, work) = (world.server.clone(), Arc::new(world.work));
    let lost = reconcile(Arc::new(quota), work).await.unwrap_err();
    assert_eq!(lost.reason, Reason::LeaseLost);
    assert!(server.get(QUOTA).unwrap()["status"].is_null());
}

#[test]
fn growth_is_allowed_until_storage_exceeds_the_limit() {
    let quota = |limit, bytes: Value| -> TenantQuota {
        serde_json::from_value(json!({
            "metadata": {"name": "acme"}, "spec": {"maxStorageGb": limit},
            "status": {"used": {"storageBytes": bytes}},
        }))
        .unwrap()
    };
    for (limit, bytes, expected) in [
        (1, Value::Null, Growth::Allowed),
        (1, json!(GB), Growth::Allowed),
        (1, json!(GB + 1), Growth::Denied),
        (0, Value::Null, Growth::Denied),
    ] {
        assert_eq!(Growth::of(&quota(limit, bytes)), expected);
    }
}
