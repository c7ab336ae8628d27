//! The Events that are published on a Tenant.

use akili_crds::Tenant;
use kube::Resource as _;
use kube::runtime::events::{Event, EventType};

use super::context::Context;
use super::status::PlaneOutcome;
use crate::events::publish;

/// Characters that the API server accepts as an event's action.
const MAX_ACTION: usize = 128;

/// Publishes events for all that was changed, and counts it where it was a repair.
pub async fn publish_step_events(context: &Context, tenant: &Tenant, outcomes: &[PlaneOutcome]) {
    let was_ready = tenant.is_ready();
    for outcome in outcomes {
        let reason = if was_ready { "Repaired" } else { "Changed" };
        if was_ready {
            let changed = outcome.changed.len();
            context.metrics.repaired(outcome.plane, changed);
        }
        publish_steps(context, tenant, reason, outcome).await;
    }
}

/// Publishes an event for each step that a plane has taken.
pub async fn publish_steps(
    context: &Context,
    tenant: &Tenant,
    reason: &str,
    outcome: &PlaneOutcome,
) {
    for step in &outcome.changed {
        // Events of one action are counted as one: each step is an action of its own.
        let event = Event {
            type_: EventType::Normal,
            reason: reason.into(),
            note: Some(format!("{}: {step}", outcome.condition)),
            action: step.chars().take(MAX_ACTION).collect(),
            secondary: None,
        };
        publish(&context.recorder, &tenant.object_ref(&()), &event).await;
    }
}
