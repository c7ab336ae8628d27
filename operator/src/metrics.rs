//! Metrics for Prometheus. Labels come from closed lists, so no metric grows with the number of
//! tenants.

use std::sync::Arc;
use std::time::Duration;

use akili_crds::{Phase, Tenant};
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Response, StatusCode};
use axum::routing::get;
use kube::client::ClientBuilder;
use kube::runtime::reflector::Store;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tower::util::MapResultLayer;

use crate::backoff::Readable;
use crate::error::{Class, Error};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// From a reconcile with nothing to do to a suspension that waits for writers.
const SECONDS: [f64; 9] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// All metrics. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    tenants: Family<PhaseLabel, Gauge>,
    waiting: Gauge,
    reconciles: Family<ReconcileLabels, Histogram, fn() -> Histogram>,
    calls: Family<CallLabels, Counter>,
    repairs: Family<PlaneLabel, Counter>,
    violations: Gauge,
    leading: Gauge,
    measurements: Family<MeasurementLabel, Counter>,
    pages: Counter,
    admissions: Family<AdmissionLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MeasurementLabel {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PhaseLabel {
    phase: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PlaneLabel {
    plane: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReconcileLabels {
    plane: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    backend: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AdmissionLabels {
    kind: &'static str,
    answer: &'static str,
}

/// A backend's answer to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Success, or that the object is absent.
    Ok,
    /// A refusal: not allowed, a conflict, or a bad request.
    Refused,
    /// No answer, or one that says to try again.
    Unavailable,
}

impl Answer {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
        }
    }
}

impl<T> From<&Result<T, Error>> for Answer {
    fn from(result: &Result<T, Error>) -> Self {
        match result {
            Ok(_) => Self::Ok,
            Err(error) if error.class() == Class::Transient => Self::Unavailable,
            Err(_) => Self::Refused,
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            tenants: Family::default(),
            waiting: Gauge::default(),
            reconciles: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            calls: Family::default(),
            repairs: Family::default(),
            violations: Gauge::default(),
            leading: Gauge::default(),
            measurements: Family::default(),
            pages: Counter::default(),
            admissions: Family::default(),
        }
    }
}

impl Metrics {
    fn registry(&self) -> Registry {
        let mut registry = Registry::with_prefix("akili");
        registry.register("tenants", "Tenants by phase", self.tenants.clone());
        registry.register(
            "tenants_waiting",
            "Tenants whose newest spec was not reconciled yet",
            self.waiting.clone(),
        );
        registry.register_with_unit(
            "reconcile_duration",
            "Duration of converging one plane of one tenant",
            Unit::Seconds,
            self.reconciles.clone(),
        );
        registry.register(
            "backend_calls",
            "Calls to a backend by outcome (ok, refused, unavailable)",
            self.calls.clone(),
        );
        registry.register(
            "repairs",
            "Steps that repaired what somebody had changed by hand, in a tenant's resources or a table's protection",
            self.repairs.clone(),
        );
        registry.register(
            "coverage_violations",
            "Tables, views and functions through which tenants can see other tenants' rows",
            self.violations.clone(),
        );
        registry.register("leading", "1 on the leader", self.leading.clone());
        registry.register(
            "storage_measurements",
            "Storage measurements by outcome (done, failed, unwanted)",
            self.measurements.clone(),
        );
        registry.register(
            "storage_pages",
            "Pages of objects, uploads and parts that storage measurements read",
            self.pages.clone(),
        );
        registry.register(
            "admission_requests",
            "Requests to the admission webhook by answer",
            self.admissions.clone(),
        );
        registry
    }

    /// Counts a call to a backend.
    pub fn called(&self, backend: &'static str, answer: Answer) {
        let outcome = answer.as_str();
        let labels = CallLabels { backend, outcome };
        self.calls.get_or_create(&labels).inc();
    }

    /// Records how long one plane of one tenant took to converge.
    pub fn reconciled(&self, plane: &'static str, outcome: &'static str, took: Duration) {
        let labels = ReconcileLabels { plane, outcome };
        self.reconciles
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }

    /// Counts steps of a plane that repaired a change by hand.
    pub fn repaired(&self, plane: &'static str, changes: usize) {
        let repairs = self.repairs.get_or_create(&PlaneLabel { plane });
        repairs.inc_by(changes.try_into().unwrap_or(u64::MAX));
    }

    /// Records how many gaps the last audit of the tables found.
    pub fn audited(&self, violations: usize) {
        self.violations.set(size(violations));
    }

    /// Counts a request that the admission webhook decided.
    pub fn judged(&self, kind: &'static str, answer: &'static str) {
        let labels = AdmissionLabels { kind, answer };
        self.admissions.get_or_create(&labels).inc();
    }

    /// Records that this replica is the leader.
    pub fn leads(&self) {
        self.leading.set(1);
    }

    /// Counts a run of a tenant's storage measurement, and the pages that it read.
    pub fn measured(&self, outcome: &'static str, pages: u64) {
        let measurements = self
            .measurements
            .get_or_create(&MeasurementLabel { outcome });
        measurements.inc();
        self.pages.inc_by(pages);
    }

    fn count<'a>(&self, tenants: impl Iterator<Item = &'a Tenant> + Clone) {
        for phase in Phase::ALL {
            let in_phase = |tenant: &&Tenant| tenant.phase() == phase;
            let phase = phase.as_str();
            let tenants = size(tenants.clone().filter(in_phase).count());
            self.tenants
                .get_or_create(&PhaseLabel { phase })
                .set(tenants);
        }
        self.waiting
            .set(size(tenants.filter(|tenant| waits(tenant)).count()));
    }
}

/// Routes `/metrics`, in the text format of OpenMetrics. Tenants are counted from the controller's
/// cache, which is empty on a replica that isn't the leader.
pub fn routes(metrics: Metrics, known: Store<Readable<Tenant>>) -> Router {
    let registry = Arc::new(metrics.registry());
    let answer = move || {
        let known = known.state();
        metrics.count(known.iter().filter_map(|tenant| tenant.0.as_ref().ok()));
        let mut body = String::new();
        let encoded = text::encode(&mut body, &registry);
        let answer = encoded.map(|()| ([(CONTENT_TYPE, OPENMETRICS)], body));
        std::future::ready(answer.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR))
    };
    Router::new().route("/metrics", get(answer))
}

/// Creates a client that counts all answers of the API server.
pub fn counted(config: kube::Config, metrics: Metrics) -> Result<kube::Client, kube::Error> {
    let count = move |answer: Result<Response<_>, _>| {
        let status = answer.as_ref().ok().map(Response::status);
        metrics.called("kubernetes", status.map_or(Answer::Unavailable, meaning));
        answer
    };
    let client = ClientBuilder::try_from(config)?.with_layer(&MapResultLayer::new(count));
    Ok(client.build())
}

fn meaning(status: StatusCode) -> Answer {
    match status.as_u16() {
        ..400 | 404 => Answer::Ok,
        429 | 500.. => Answer::Unavailable,
        _ => Answer::Refused,
    }
}

fn waits(tenant: &Tenant) -> bool {
    let worked_on = tenant
        .status
        .as_ref()
        .and_then(|status| status.observed_generation);
    worked_on != tenant.metadata.generation
}

fn size(count: usize) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use akili_crds::{TenantSpec, TenantStatus};

    fn tenant(phase: Phase, observed_generation: i64) -> Tenant {
        let spec: TenantSpec = serde_json::from_str(r#"{"displayName": "Acme"}"#).unwrap();
        let mut tenant = Tenant::new("acme", spec);
        tenant.metadata.generation = Some(2);
        tenant.status = Some(TenantStatus {
            phase: Some(phase),
            observed_generation: Some(observed_generation),
            ..TenantStatus::default()
        });
        tenant
    }

    #[test]
    fn metrics_are_exposed_without_tenant_names() {
        let metrics = Metrics::default();
        let tenants = [tenant(Phase::Active, 2), tenant(Phase::Suspended, 1)];
        metrics.count(tenants.iter());
        metrics.called("postgres", Answer::Unavailable);
        metrics.reconciled("postgres", "changed", Duration::from_millis(300));
        metrics.repaired("kubernetes", 2);
        metrics.audited(1);
        metrics.leads();
        metrics.measured("done", 21);
        metrics.judged("Product", "QuotaExceeded");

        let mut exposed = String::new();
        text::encode(&mut exposed, &metrics.registry()).unwrap();
        for line in [
            r#"akili_tenants{phase="ACTIVE"} 1"#,
            r#"akili_tenants{phase="ARCHIVED"} 0"#,
            "akili_tenants_waiting 1",
            r#"akili_backend_calls_total{backend="postgres",outcome="unavailable"} 1"#,
            r#"akili_reconcile_duration_seconds_bucket{le="0.5",plane="postgres",outcome="changed"} 1"#,
            r#"akili_repairs_total{plane="kubernetes"} 2"#,
            "akili_coverage_violations 1",
            "akili_leading 1",
            r#"akili_storage_measurements_total{outcome="done"} 1"#,
            "akili_storage_pages_total 21",
            r#"akili_admission_requests_total{kind="Product",answer="QuotaExceeded"} 1"#,
        ] {
            assert!(
                exposed.lines().any(|exposed| exposed == line),
                "{line} isn't in\n{exposed}"
            );
        }
        assert!(!exposed.contains("acme"), "{exposed}");
    }

    #[test]
    fn absence_counts_as_an_ok_answer() {
        for (status, answer) in [
            (200, Answer::Ok),
            (404, Answer::Ok),
            (403, Answer::Refused),
            (409, Answer::Refused),
            (429, Answer::Unavailable),
            (503, Answer::Unavailable),
        ] {
            assert_eq!(meaning(StatusCode::from_u16(status).unwrap()), answer);
        }
    }
}
