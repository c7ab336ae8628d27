//! Everything that the controller works with, in memory, with one tenant, acme.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use akili_core::kubernetes::settings::Settings;
use akili_crds::condition::types;
use akili_crds::quota::GB;
use akili_crds::tenant::Resources;
use akili_crds::{Phase, Slug, Tenant, TenantId};
use async_trait::async_trait;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::Client;
use kube::runtime::controller::Action;
use kube::runtime::events::{Recorder, Reporter};
use serde_json::{Value, json};

use crate::backend::driver::Driver;
use crate::backend::fake::{Fake, Fault, Faults, Held};
use crate::backend::kubernetes::Kubernetes;
use crate::backend::kubernetes::fake::ApiServer;
use crate::backend::{Convergence, Desired, Drift, Guard, Plane, TenantKey};
use crate::error::{Error, Reason};
use crate::leader::Leadership;
use crate::metrics::Metrics;
use crate::tenant::context::Context;
use crate::tenant::history::History;
use crate::tenant::reconcile::reconcile;
use crate::tenant::registry::Rows;
use crate::tenant::registry::row::{Row, check_id, id_taken};

/// A reconcile without an answer is abandoned after this long.
const TIMEOUT: Duration = Duration::from_secs(5);

/// No transition needs more reconciles.
const MAX_RECONCILES: usize = 30;

/// Everything that a controller works with.
pub struct World {
    /// Makes a step of any part fail.
    pub faults: Arc<Faults>,
    pub server: ApiServer,
    pub registry: Arc<Memory>,
    /// Two planes beside Kubernetes.
    pub backends: [Arc<Fake>; 2],
    /// How many writes the API server has received.
    objects: AtomicUsize,
}

/// The end of a transition, without times.
#[derive(Debug, PartialEq)]
pub struct End {
    objects: BTreeMap<String, Value>,
    status: (Value, Vec<(Value, Value)>),
    row: (Phase, bool),
    backends: [Held; 2],
}

impl World {
    /// Creates a world in which the tenant has gone through these states.
    pub async fn after(states: &[&str]) -> Self {
        Self::with_context(states).await.0
    }

    /// Returns such a world, and the controller that took the tenant through the states.
    pub async fn with_context(states: &[&str]) -> (Self, Arc<Context>) {
        let faults = Arc::new(Faults::default());
        let server = ApiServer::failing(&faults);
        lead(&server, "us");
        let world = Self {
            registry: Arc::new(Memory::failing(&faults)),
            backends: [
                Fake::failing(&faults),
                Fake::failing(&faults).named("other", "OtherReady"),
            ]
            .map(Arc::new),
            objects: AtomicUsize::new(0),
            faults,
            server,
        };
        if !states.is_empty() {
            world.apply(json!({"displayName": "Acme", "id": ID}));
        }
        let mut context = world.start();
        for state in states {
            world.patch(json!({"state": state}));
            let phase = state.to_uppercase();
            let reached = |world: &Self| world.is(&phase);
            assert!(world.settle(&mut context, false, reached).await, "{state}");
        }
        (world, context)
    }

    /// Creates a controller without memory.
    pub fn start(&self) -> Arc<Context> {
        context(&self.server, self.registry.clone(), self.backends.clone())
    }

    /// Creates the Tenant, or replaces it by a new one.
    pub fn apply(&self, spec: Value) {
        let tenant = json!({
            "apiVersion": "akili.io/v1alpha1", "kind": "Tenant",
            "metadata": {"name": "acme", "uid": "1", "generation": 1},
            "spec": spec,
        });
        self.server.put(TENANT, tenant);
    }

    pub fn patch(&self, spec: Value) {
        let mut tenant = self.server.get(TENANT).unwrap();
        let changed = spec.as_object().unwrap().clone();
        tenant["spec"].as_object_mut().unwrap().extend(changed);
        let generation = tenant["metadata"]["generation"].as_i64().unwrap();
        tenant["metadata"]["generation"] = json!(generation + 1);
        self.server.put(TENANT, tenant);
    }

    /// Sets the measured storage, with a limit of 1 GB.
    pub fn measure(&self, gb: i64) {
        let quota = json!({
            "metadata": {"name": "acme"}, "spec": {"maxStorageGb": 1},
            "status": {"used": {"storageBytes": gb * GB}},
        });
        self.server.put(QUOTA, quota);
    }

    /// Returns reason and note of each event, the oldest first.
    pub fn events(&self) -> Vec<(String, String)> {
        let text = |event: &Value, field: &str| event[field].as_str().unwrap().to_owned();
        let mut events = self.server.objects();
        events.retain(|path, _| path.contains("/events/"));
        let mut events: Vec<Value> = events.into_values().collect();
        events.sort_by_key(|event| text(event, "eventTime"));
        let events = events.iter();
        events
            .map(|event| (text(event, "reason"), text(event, "note")))
            .collect()
    }

    /// Deletes all events.
    pub fn forget_events(&self) {
        for path in self.server.objects().into_keys() {
            if path.contains("/events/") {
                self.server.remove(&path);
            }
        }
    }

    /// Returns whether both other planes give the tenant this right.
    pub fn may(&self, right: &str) -> bool {
        let mut backends = self.backends.iter();
        backends.all(|backend| backend.held().rights.contains(right))
    }

    /// Runs one reconcile. Returns false if it timed out.
    pub async fn reconcile(&self, context: &Arc<Context>) -> bool {
        let reconciled = reconcile_acme(&self.server, context);
        tokio::time::timeout(TIMEOUT, reconciled).await.is_ok()
    }

    /// Reconciles until `done`; returns whether that was reached. A reconcile without an answer is
    /// abandoned, and with `crash` the controller is replaced then by one without memory.
    pub async fn settle(
        &self,
        context: &mut Arc<Context>,
        crash: bool,
        done: impl Fn(&Self) -> bool,
    ) -> bool {
        for _ in 0..MAX_RECONCILES {
            if !self.reconcile(context).await && crash {
                *context = self.start();
            }
            if done(self) {
                return true;
            }
        }
        false
    }

    /// Returns whether the tenant has reached this phase in every plane.
    pub fn is(&self, phase: &str) -> bool {
        let tenant = self.server.get(TENANT).unwrap();
        let generation = &tenant["metadata"]["generation"];
        let current = tenant["status"]["observedGeneration"] == *generation;
        current && tenant["status"]["phase"] == phase && self.has(types::READY)
    }

    /// Returns whether this condition of the Tenant is True.
    pub fn has(&self, type_: &str) -> bool {
        let tenant = self.server.get(TENANT).unwrap();
        let conditions = tenant["status"]["conditions"].as_array();
        conditions.is_some_and(|all| {
            let mut all = all.iter();
            all.any(|c| c["type"] == type_ && c["status"] == "True")
        })
    }

    /// Returns the number of writes so far, without events and statuses. Clears the API server's
    /// list of requests.
    pub fn writes(&self) -> usize {
        let aside = |request: &String| {
            request.starts_with("GET ")
                || request.contains("/events")
                || request.ends_with("/status")
        };
        let requests = self.server.take_requests();
        let objects = requests.iter().filter(|request| !aside(request)).count();
        let objects = objects + self.objects.fetch_add(objects, Ordering::Relaxed);
        let backends: usize = self.backends.iter().map(|it| it.writes()).sum();
        objects + backends + self.registry.writes()
    }

    pub fn end(&self) -> End {
        let mut objects = self.server.objects();
        objects.retain(|path, _| !path.contains("/events") && !path.contains("/leases/"));
        let tenant = objects.get_mut(TENANT).unwrap();
        let status = tenant["status"].take();
        let conditions = status["conditions"].as_array().unwrap();
        let conditions = conditions
            .iter()
            .map(|c| (c["type"].clone(), c["status"].clone()));
        let row = self.registry.acme().unwrap();
        End {
            status: (status["phase"].clone(), conditions.collect()),
            row: (row.state, row.purged_at.is_some()),
            backends: [0, 1].map(|n: usize| self.backends[n].held()),
            objects,
        }
    }
}

/// The id of the one tenant, acme.
pub const ID: &str = "550e8400-e29b-41d4-a716-446655440000";
/// The path of its Tenant.
pub const TENANT: &str = "/apis/akili.io/v1alpha1/tenants/acme";
/// The path of its TenantQuota.
pub const QUOTA: &str = "/apis/akili.io/v1alpha1/tenantquotas/acme";

/// A registry in memory.
#[derive(Default)]
pub struct Memory {
    rows: Mutex<BTreeMap<Slug, Row>>,
    down: AtomicBool,
    silent: AtomicBool,
    faults: Arc<Faults>,
    writes: AtomicUsize,
    /// How many seconds the clock is ahead.
    ahead: AtomicUsize,
}

impl Memory {
    /// Creates a registry whose writes fail as planned in `faults`.
    pub fn failing(faults: &Arc<Faults>) -> Self {
        Self {
            faults: faults.clone(),
            ..Self::default()
        }
    }

    /// Makes all calls fail, or succeed again.
    pub fn go_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }

    /// Stops all answers.
    pub fn fall_silent(&self) {
        self.silent.store(true, Ordering::Relaxed);
    }

    /// Advances the registry's clock.
    pub fn pass(&self, seconds: usize) {
        self.ahead.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Returns the number of writes, failed ones included.
    pub fn writes(&self) -> usize {
        self.writes.load(Ordering::Relaxed)
    }

    /// Returns the row of acme.
    pub fn acme(&self) -> Option<Row> {
        self.rows.lock().unwrap().get(&slug()).cloned()
    }

    fn now(&self) -> Timestamp {
        let ahead = i64::try_from(self.ahead.load(Ordering::Relaxed)).unwrap();
        Timestamp::from_second(Timestamp::now().as_second() + ahead).unwrap()
    }

    async fn answer(&self) -> Result<(), Error> {
        if self.silent.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        match self.down.load(Ordering::Relaxed) {
            true => Err(Error::new(Reason::RegistryUnavailable, "fault injected")),
            false => Ok(()),
        }
    }

    async fn write(
        &self,
        change: impl FnOnce(&mut BTreeMap<Slug, Row>) + Send,
    ) -> Result<(), Error> {
        self.answer().await?;
        self.writes.fetch_add(1, Ordering::Relaxed);
        let fault = self.faults.next();
        if fault.is_none_or(Fault::takes_effect) {
            change(&mut self.rows.lock().unwrap());
        }
        match fault {
            None => Ok(()),
            Some(fault) if fault.is_answered() => {
                Err(Error::new(Reason::RegistryUnavailable, "fault injected"))
            }
            Some(_) => std::future::pending().await,
        }
    }
}

#[async_trait]
impl Rows for Memory {
    fn refuse_foreign(&self) -> Result<(), Error> {
        Ok(())
    }

    async fn enroll(&self, slug: &Slug, seed: Option<TenantId>) -> Result<Row, Error> {
        if let Some(row) = self.row(slug).await? {
            return check_id(slug, row, seed);
        }
        let row = Row {
            id: seed.unwrap_or_else(TenantId::random),
            state: Phase::Provisioning,
            suspended_at: None,
            archived_at: None,
            purge_after: None,
            purged_at: None,
            read_at: self.now(),
        };
        if self.rows.lock().unwrap().values().any(|it| it.id == row.id) {
            return Err(id_taken(row.id));
        }
        self.write(|rows| {
            rows.insert(slug.clone(), row.clone());
        })
        .await?;
        Ok(row)
    }

    async fn row(&self, slug: &Slug) -> Result<Option<Row>, Error> {
        self.answer().await?;
        let row = self.rows.lock().unwrap().get(slug).cloned();
        let read_at = self.now();
        Ok(row.map(|row| Row { read_at, ..row }))
    }

    async fn archive(&self, slug: &Slug, retention: Duration) -> Result<(), Error> {
        let now = self.now();
        self.write(|rows| {
            let row = rows.get_mut(slug).unwrap();
            row.state = Phase::Archived;
            row.archived_at = Some(Time(now));
            row.purge_after = Some(Time(now + retention));
        })
        .await
    }

    async fn keep_for(&self, slug: &Slug, retention: Duration) -> Result<(), Error> {
        self.write(|rows| {
            let row = rows.get_mut(slug).unwrap();
            row.purge_after = row.archived_at.clone().map(|at| Time(at.0 + retention));
        })
        .await
    }

    async fn bury(&self, tenant: &TenantKey) -> Result<(), Error> {
        let now = self.now();
        self.write(|rows| {
            let row = rows.get_mut(&tenant.slug).unwrap();
            row.purged_at.get_or_insert(Time(now));
        })
        .await
    }
}

pub fn slug() -> Slug {
    "acme".parse().unwrap()
}

pub fn key() -> TenantKey {
    TenantKey {
        slug: slug(),
        id: ID.parse().unwrap(),
    }
}

/// Gives the Lease to `holder`.
pub fn lead(server: &ApiServer, holder: &str) {
    let renewed = serde_json::to_value(Timestamp::now().to_string()).unwrap();
    let lease: Lease = serde_json::from_value(json!({
        "spec": {"holderIdentity": holder, "renewTime": renewed},
    }))
    .unwrap();
    let path = "/apis/coordination.k8s.io/v1/namespaces/akili-system/leases/akili-operator";
    server.put(path, serde_json::to_value(lease).unwrap());
}

/// Creates the leadership of the holder `us`, which hasn't read the Lease yet.
pub fn leadership(client: &Client) -> Leadership {
    let duration = Duration::from_secs(15);
    Leadership::new(client.clone(), "akili-system", "us".into(), duration)
}

/// Returns the plane of a fake, under the fake's own name.
fn plane_of(fake: Arc<Fake>) -> Arc<dyn Plane> {
    let names = fake.names();
    let driver = Driver::new(fake);
    match names {
        None => Arc::new(driver),
        Some((name, condition)) => Arc::new(Renamed {
            driver,
            name,
            condition,
        }),
    }
}

/// The plane of a fake with a name of its own, so that a controller can have several.
struct Renamed {
    driver: Driver<Fake>,
    name: &'static str,
    condition: &'static str,
}

#[async_trait]
impl Plane for Renamed {
    fn name(&self) -> &'static str {
        self.name
    }

    fn condition(&self) -> &'static str {
        self.condition
    }

    fn name_resources(&self, tenant: &TenantKey, resources: &mut Resources) {
        self.driver.name_resources(tenant, resources);
    }

    async fn adopt(&self, tenant: &Tenant, key: &TenantKey) -> Result<(), Error> {
        self.driver.adopt(tenant, key).await
    }

    async fn converge(
        &self,
        tenant: &TenantKey,
        desired: &Desired,
        guard: &dyn Guard,
    ) -> Convergence {
        self.driver.converge(tenant, desired, guard).await
    }

    async fn audit(&self, tenants: &BTreeSet<TenantKey>) -> Drift {
        self.driver.audit(tenants).await
    }
}

/// Creates a controller with these planes beside Kubernetes.
pub fn context(
    server: &ApiServer,
    registry: Arc<dyn Rows>,
    planes: impl IntoIterator<Item = Arc<Fake>>,
) -> Arc<Context> {
    let client = server.client();
    let settings = Settings {
        service_account: "akili-operator".into(),
        namespace: "akili-system".into(),
        egress: vec![],
    };
    let kubernetes = Arc::new(Kubernetes::new(client.clone(), settings));
    let mut all: Vec<Arc<dyn Plane>> = vec![Arc::new(Driver::new(kubernetes.clone()))];
    for plane in planes {
        all.push(plane_of(plane));
    }
    Arc::new(Context {
        registry,
        planes: all,
        kubernetes,
        history: History::default(),
        leadership: leadership(&client),
        recorder: Recorder::new(client.clone(), Reporter::from("akili-operator")),
        metrics: Metrics::default(),
        retention: Duration::from_secs(3600),
        audit_interval: Duration::from_secs(60),
        client,
    })
}

/// Returns the Tenant acme, which has its id.
pub fn tenant(state: &str, phase: &str) -> Value {
    json!({
        "apiVersion": "akili.io/v1alpha1", "kind": "Tenant",
        "metadata": {"name": "acme", "uid": "1", "generation": 1},
        "spec": {"displayName": "Acme", "state": state},
        "status": {"phase": phase, "id": ID},
    })
}

/// Reconciles the Tenant acme as the server has it.
pub async fn reconcile_acme(server: &ApiServer, context: &Arc<Context>) -> Result<Action, Error> {
    let tenant = serde_json::from_value(server.get(TENANT).unwrap()).unwrap();
    reconcile(Arc::new(tenant), context.clone()).await
}

/// Returns the reason of a condition of the Tenant.
pub fn reason(server: &ApiServer, type_: &str) -> String {
    let tenant = server.get(TENANT).unwrap();
    let conditions = tenant["status"]["conditions"].as_array().unwrap().clone();
    let found = conditions.iter().find(|c| c["type"] == type_);
    found.map_or_else(String::new, |c| c["reason"].as_str().unwrap().to_owned())
}
