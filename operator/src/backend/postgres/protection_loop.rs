//! The loop that keeps the tables that all tenants share under row-level security.

use std::sync::Arc;
use std::time::Duration;

use akili_core::postgres::coverage::Repair;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::{Event, EventType, Recorder};
use tokio_util::sync::CancellationToken;

use super::Postgres;
use crate::events::publish;
use crate::metrics::Metrics;

/// Protects new tables and repairs the protection of old ones, until `stop`. Publishes each repair
/// as an Event on the operator's namespace.
pub async fn run(
    postgres: Arc<Postgres>,
    recorder: Recorder,
    metrics: Metrics,
    namespace: String,
    every: Duration,
    stop: CancellationToken,
) {
    let regarding = ObjectReference {
        api_version: Some("v1".into()),
        kind: Some("Namespace".into()),
        name: Some(namespace),
        ..ObjectReference::default()
    };
    while !stop.is_cancelled() {
        match postgres.audit().await {
            Ok(audit) => {
                metrics.audited(postgres.coverage().gaps.len());
                metrics.repaired("postgres", audit.drifted);
                for repair in &audit.repaired {
                    publish_repair(&recorder, &regarding, repair).await;
                }
                for (repair, error) in &audit.failed {
                    tracing::warn!(table = repair.name, %error, "failed to protect a table");
                }
            }
            Err(error) => tracing::warn!(%error, "failed to audit the tables"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(every) => {}
        }
    }
}

async fn publish_repair(recorder: &Recorder, regarding: &ObjectReference, repair: &Repair) {
    tracing::info!(
        table = repair.name,
        "protected a table by row-level security"
    );
    let event = Event {
        type_: EventType::Normal,
        reason: "TableProtected".into(),
        note: Some(format!(
            "table {} is protected by row-level security",
            repair.name
        )),
        action: "Protect".into(),
        secondary: Some(ObjectReference {
            name: Some(repair.name.clone()),
            ..ObjectReference::default()
        }),
    };
    publish(recorder, regarding, &event).await;
}
