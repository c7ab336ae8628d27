//! All that a controller works with, in memory, and the one tenant in it: for tests of
//! moves of its life.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use akili_crds::quota::GB;
use serde_json::{Value, json};

use super::fake::{ID, Memory, QUOTA, TENANT, context, lead, reconcile_acme};
use super::*;
use crate::backend::fake::{Fake, Faults, Held};
use crate::backend::kubernetes::fake::ApiServer;

/// An answer that doesn't come is given up after this long.
const PATIENCE: Duration = Duration::from_secs(5);

/// Nothing takes more reconciles.
const MOST_RECONCILES: usize = 30;

/// All that a controller works with.
pub struct World {
    /// Lets a step of whatever fail.
    pub faults: Arc<Faults>,
    /// The API server, to which the Kubernetes plane speaks.
    pub server: ApiServer,
    /// The registry.
    pub registry: Arc<Memory>,
    /// Two other planes.
    pub backends: [Arc<Fake>; 2],
    /// Changes of objects that the API server was asked for.
    objects: AtomicUsize,
}

/// What there is in the end, without times.
#[derive(Debug, PartialEq)]
pub struct End {
    objects: BTreeMap<String, Value>,
    status: (Value, Vec<(Value, Value)>),
    row: (Phase, bool),
    backends: [Held; 2],
}

impl World {
    /// In which a tenant has gone through these states.
    pub async fn after(states: &[&str]) -> Self {
        let faults = Arc::new(Faults::default());
        let server = ApiServer::failing(&faults);
        lead(&server, "us");
        let world = Self {
            registry: Arc::new(Memory::failing(&faults)),
            backends: [(); 2].map(|()| Arc::new(Fake::failing(&faults))),
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
        world
    }

    /// A controller that knows nothing yet.
    pub fn start(&self) -> Arc<Context> {
        context(&self.server, self.registry.clone(), self.backends.clone())
    }

    /// Makes the Tenant, or makes it again.
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

    /// As if a storage of 1 GB held so many.
    pub fn measure(&self, gb: i64) {
        let quota = json!({
            "metadata": {"name": "acme"}, "spec": {"maxStorageGb": 1},
            "status": {"used": {"storageBytes": gb * GB}},
        });
        self.server.put(QUOTA, quota);
    }

    /// Whether the other planes let the tenant do this.
    pub fn may(&self, right: &str) -> bool {
        let mut backends = self.backends.iter();
        backends.all(|backend| backend.held().rights.contains(right))
    }

    /// One reconcile; false if it was given up.
    pub async fn reconcile(&self, context: &Arc<Context>) -> bool {
        let reconciled = reconcile_acme(&self.server, context);
        tokio::time::timeout(PATIENCE, reconciled).await.is_ok()
    }

    /// Reconciles until it is done, if it ever is. Where an answer never comes the
    /// reconcile is given up, or, in a crash, the controller with all that it knows.
    pub async fn settle(
        &self,
        context: &mut Arc<Context>,
        crash: bool,
        done: impl Fn(&Self) -> bool,
    ) -> bool {
        for _ in 0..MOST_RECONCILES {
            if !self.reconcile(context).await && crash {
                *context = self.start();
            }
            if done(self) {
                return true;
            }
        }
        false
    }

    /// Whether the tenant has reached this phase everywhere.
    pub fn is(&self, phase: &str) -> bool {
        let tenant = self.server.get(TENANT).unwrap();
        let generation = &tenant["metadata"]["generation"];
        let current = tenant["status"]["observedGeneration"] == *generation;
        current && tenant["status"]["phase"] == phase && self.has(types::READY)
    }

    /// Whether the Tenant has this condition, and it is true.
    pub fn has(&self, type_: &str) -> bool {
        let tenant = self.server.get(TENANT).unwrap();
        let conditions = tenant["status"]["conditions"].as_array();
        conditions.is_some_and(|all| {
            let mut all = all.iter();
            all.any(|c| c["type"] == type_ && c["status"] == "True")
        })
    }

    /// How often anything was written to, events and statuses aside. What the API server
    /// was asked is forgotten.
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
