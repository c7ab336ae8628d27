//! What is told of a tenant: events, and its status.

use akili_crds::condition::{is_true, types};
use akili_crds::{Tenant, TenantStatus};
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::events::{Event, EventType, Recorder};
use kube::{Resource, ResourceExt};
use serde_json::json;

use super::Context;
use super::report::Report;
use crate::backend::kubernetes::FIELD_MANAGER;
use crate::error::Error;

/// Characters that the API server takes as an event's action.
const MAX_ACTION: usize = 128;

/// Events for all that was changed, and counts it where it was a repair.
pub async fn tell_changes(context: &Context, tenant: &Tenant, reports: &[Report]) {
    let was_ready = tenant
        .status
        .as_ref()
        .is_some_and(|status| is_true(&status.conditions, types::READY));
    for report in reports {
        let reason = if was_ready { "Repaired" } else { "Changed" };
        if was_ready {
            let changed = report.outcome.changed.len();
            context.metrics.repaired(report.plane, changed);
        }
        tell(context, tenant, reason, report).await;
    }
}

/// An event for each step that a plane has taken.
pub async fn tell(context: &Context, tenant: &Tenant, reason: &str, report: &Report) {
    for step in &report.outcome.changed {
        // Events of one action are counted as one: each step is an action of its own.
        let event = Event {
            type_: EventType::Normal,
            reason: reason.into(),
            note: Some(format!("{}: {step}", report.condition)),
            action: step.chars().take(MAX_ACTION).collect(),
            secondary: None,
        };
        publish(&context.recorder, tenant, &event).await;
    }
}

/// Tells of a Tenant, or of what has its name.
pub async fn publish<K: Resource<DynamicType = ()>>(
    recorder: &Recorder,
    object: &K,
    event: &Event,
) {
    let object = object.object_ref(&());
    if let Err(error) = recorder.publish(event, &object).await {
        tracing::warn!(%error, tenant = object.name, "an event was lost");
    }
}

/// One patch, and none where nothing changed.
pub async fn write_status(
    context: &Context,
    tenant: &Tenant,
    status: &TenantStatus,
) -> Result<(), Error> {
    if tenant.status.as_ref() == Some(status) {
        return Ok(());
    }
    let tenants: Api<Tenant> = Api::all(context.client.clone());
    let patch = json!({
        "apiVersion": Tenant::api_version(&()),
        "kind": Tenant::kind(&()),
        "status": status,
    });
    let params = PatchParams::apply(FIELD_MANAGER).force();
    tenants
        .patch_status(&tenant.name_any(), &params, &Patch::Apply(&patch))
        .await?;
    Ok(())
}
