//! What a reconcile works with, in memory: for tests of the controller.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use akili_crds::{Slug, TenantId};
use async_trait::async_trait;
use k8s_openapi::api::coordination::v1::Lease;
use kube::runtime::events::Reporter;
use serde_json::{Value, json};

use super::registry::{Row, UNAVAILABLE, admit, anothers};
use super::*;
use crate::backend::Claims;
use crate::backend::driver::Driver;
use crate::backend::fake::{Fake, Fault, Faults};
use crate::backend::kubernetes::Settings;
use crate::backend::kubernetes::fake::ApiServer;

/// The id of the one tenant, acme.
pub const ID: &str = "550e8400-e29b-41d4-a716-446655440000";
/// Where its Tenant is.
pub const TENANT: &str = "/apis/akili.io/v1alpha1/tenants/acme";
/// Where its TenantQuota is.
pub const QUOTA: &str = "/apis/akili.io/v1alpha1/tenantquotas/acme";

/// A registry in memory.
#[derive(Default)]
pub struct Memory {
    rows: Mutex<BTreeMap<Slug, Row>>,
    down: AtomicBool,
    silent: AtomicBool,
    faults: Arc<Faults>,
    writes: AtomicUsize,
    /// By how many seconds its clock is ahead.
    ahead: AtomicUsize,
}

impl Memory {
    /// One whose writes fail as these say.
    pub fn failing(faults: &Arc<Faults>) -> Self {
        Self {
            faults: faults.clone(),
            ..Self::default()
        }
    }

    /// Lets it refuse everything, or nothing any more.
    pub fn go_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }

    /// Lets it answer no more.
    pub fn fall_silent(&self) {
        self.silent.store(true, Ordering::Relaxed);
    }

    /// Lets time pass.
    pub fn pass(&self, seconds: usize) {
        self.ahead.fetch_add(seconds, Ordering::Relaxed);
    }

    /// How often it was written to, failures too.
    pub fn writes(&self) -> usize {
        self.writes.load(Ordering::Relaxed)
    }

    /// The row of acme.
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
            true => Err(Error::new(Class::Transient, UNAVAILABLE, "as it was told")),
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
                Err(Error::new(Class::Transient, UNAVAILABLE, "as it was told"))
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
            return admit(slug, row, seed);
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
            return Err(anothers(row.id));
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

#[async_trait]
impl Claims for Memory {
    async fn has_topics(&self, _: &TenantKey) -> Result<bool, Error> {
        Ok(true)
    }

    async fn claim_topics(&self, _: &TenantKey) -> Result<(), Error> {
        Ok(())
    }
}

/// The name of the one tenant.
pub fn slug() -> Slug {
    "acme".parse().unwrap()
}

/// Its key.
pub fn key() -> TenantKey {
    TenantKey {
        slug: slug(),
        id: ID.parse().unwrap(),
    }
}

/// Lets this process hold the lease.
pub fn lead(server: &ApiServer, holder: &str) {
    let renewed = serde_json::to_value(Timestamp::now().to_string()).unwrap();
    let lease: Lease = serde_json::from_value(json!({
        "spec": {"holderIdentity": holder, "renewTime": renewed},
    }))
    .unwrap();
    let path = "/apis/coordination.k8s.io/v1/namespaces/akili-system/leases/akili-operator";
    server.put(path, serde_json::to_value(lease).unwrap());
}

/// The leadership of this process, which knows nothing of the lease yet.
pub fn leadership(client: &Client) -> Leadership {
    let duration = Duration::from_secs(15);
    Leadership::new(client.clone(), "akili-system", "us".into(), duration)
}

/// A controller that has just started, with these planes beside Kubernetes.
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
        all.push(Arc::new(Driver::new(plane)));
    }
    Arc::new(Context {
        registry,
        planes: all,
        kubernetes,
        leadership: leadership(&client),
        recorder: Recorder::new(client.clone(), Reporter::from("akili-operator")),
        metrics: Metrics::default(),
        retention: Duration::from_secs(3600),
        audit_interval: Duration::from_secs(60),
        client,
    })
}

/// The Tenant acme, which has its id.
pub fn tenant(state: &str, phase: &str) -> Value {
    json!({
        "apiVersion": "akili.io/v1alpha1", "kind": "Tenant",
        "metadata": {"name": "acme", "uid": "1", "generation": 1},
        "spec": {"displayName": "Acme", "state": state},
        "status": {"phase": phase, "id": ID},
    })
}

/// One reconcile of the Tenant as the server has it.
pub async fn reconcile_acme(server: &ApiServer, context: &Arc<Context>) -> Result<Action, Error> {
    let tenant = serde_json::from_value(server.get(TENANT).unwrap()).unwrap();
    reconcile(Arc::new(tenant), context.clone()).await
}

/// The reason that a condition of the Tenant gives.
pub fn reason(server: &ApiServer, type_: &str) -> String {
    let tenant = server.get(TENANT).unwrap();
    let conditions = tenant["status"]["conditions"].as_array().unwrap().clone();
    let found = conditions.iter().find(|c| c["type"] == type_);
    found.map_or_else(String::new, |c| c["reason"].as_str().unwrap().to_owned())
}
