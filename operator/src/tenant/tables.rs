//! The tables that all tenants share, looked at again and again.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::{Event, EventType, Recorder};
use tokio_util::sync::CancellationToken;

use crate::backend::postgres::Postgres;
use crate::backend::postgres::coverage::Repair;
use crate::metrics::Metrics;

/// Protects new tables and repairs the protection of old ones, until `stop`.
/// What was repaired is told as events on the operator's own namespace.
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
                metrics.repaired("postgres", audit.repaired.len());
                for repair in &audit.repaired {
                    tell(&recorder, &regarding, repair).await;
                }
                for (repair, error) in &audit.failed {
                    tracing::warn!(table = repair.name, %error, "not protected yet");
                }
            }
            Err(error) => tracing::warn!(%error, "the tables could not be looked at"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(every) => {}
        }
    }
}

async fn tell(recorder: &Recorder, regarding: &ObjectReference, repair: &Repair) {
    tracing::info!(table = repair.name, "protected");
    let event = Event {
        type_: EventType::Normal,
        reason: "TableProtected".into(),
        note: Some(format!(
            "table {} is protected by row-level security (again)",
            repair.name
        )),
        action: "Protect".into(),
        secondary: Some(ObjectReference {
            name: Some(repair.name.clone()),
            ..ObjectReference::default()
        }),
    };
    if let Err(error) = recorder.publish(&event, regarding).await {
        tracing::warn!(%error, table = repair.name, "an event was lost");
    }
}
