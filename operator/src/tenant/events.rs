//! The Events that are published on a Tenant: one for each plane that a reconcile changed, one for
//! a change of the phase, and a warning for each plane that starts failing.

use akili_crds::condition::{self, types};
use akili_crds::{Phase, Tenant, TenantStatus};
use kube::runtime::events::{Event, EventType};
use kube::{Resource as _, ResourceExt};

use super::context::Context;
use super::status::PlaneOutcome;
use crate::backend::Shortfall;
use crate::error::{Class, Error};
use crate::events::publish;

/// Bytes that the API server accepts as an event's note.
const MAX_NOTE: usize = 1024;

/// Bytes that the API server accepts as an event's action.
const MAX_ACTION: usize = 128;

/// Separates steps in a note; a step may contain commas and semicolons.
const SEPARATOR: &str = ", then ";

/// Somebody had changed by hand what the plane had converged to.
const REPAIRED: &str = "Repaired";

/// Publishes the steps of each plane that was changed, and counts repairs.
pub async fn publish_step_events(
    context: &Context,
    tenant: &Tenant,
    target: Phase,
    outcomes: &[PlaneOutcome],
) {
    for outcome in outcomes {
        let reason = step_reason(tenant.phase(), target, outcome.had_converged);
        if reason == REPAIRED {
            let steps = outcome.changed.len();
            context.metrics.repaired(outcome.plane, steps);
        }
        publish_steps(context, tenant, reason, outcome).await;
    }
}

/// Publishes one event that lists the steps that a plane has taken, if it has taken any.
pub async fn publish_steps(
    context: &Context,
    tenant: &Tenant,
    reason: &'static str,
    outcome: &PlaneOutcome,
) {
    if let Some(event) = step_event(reason, outcome) {
        publish(&context.recorder, &tenant.object_ref(&()), &event).await;
    }
}

/// Publishes and logs what the new status reports for the first time: another phase, and planes
/// that started failing. `blocked` is the error that kept the tenant as a whole back.
pub async fn publish_status_events(
    context: &Context,
    tenant: &Tenant,
    status: &TenantStatus,
    outcomes: &[PlaneOutcome],
    blocked: Option<&Error>,
) {
    let mut events = Vec::new();
    let reports = |error: &&Error| {
        let ready = condition::find(&status.conditions, types::READY);
        ready.is_some_and(|ready| ready.reason == error.reason.as_str())
    };
    for (type_, failure) in new_failures(tenant, outcomes, blocked.filter(reports)) {
        let (tenant, reason, error) = (tenant.name_any(), failure.reason.as_str(), failure.message);
        tracing::warn!(tenant, condition = type_, reason, error, "failing");
        events.push(failure_event(type_, failure));
    }
    let (before, after) = (tenant.phase(), status.phase.unwrap_or(tenant.phase()));
    if before != after {
        tracing::info!(tenant = tenant.name_any(), %before, %after, "phase changed");
        events.push(phase_event(before, after));
    }
    for event in &events {
        publish(&context.recorder, &tenant.object_ref(&()), event).await;
    }
}

/// Returns why steps were taken, as the reason of their event. `had_converged` says that the plane
/// had converged to exactly this desired state before, as far as this process knows: a new leader
/// can't distinguish a change by hand from an upgrade or a changed quota: both are `Updated`.
fn step_reason(reached: Phase, target: Phase, had_converged: bool) -> &'static str {
    match (reached, target) {
        _ if had_converged => REPAIRED,
        _ if reached == target => "Updated",
        (_, Phase::Archived) => "Archived",
        (Phase::Provisioning, _) => "Provisioned",
        (_, Phase::Suspended) => "Suspended",
        (_, Phase::Active | Phase::Provisioning) => "Reactivated",
    }
}

fn step_event(reason: &'static str, outcome: &PlaneOutcome) -> Option<Event> {
    let steps = &outcome.changed;
    (!steps.is_empty()).then(|| {
        let note = note(outcome.condition, steps);
        Event {
            type_: EventType::Normal,
            reason: reason.into(),
            // Events with the same action are counted as one, and the note of the first is kept.
            action: truncated(&note, MAX_ACTION).into(),
            note: Some(note),
            secondary: None,
        }
    })
}

fn phase_event(before: Phase, after: Phase) -> Event {
    Event {
        type_: EventType::Normal,
        reason: "PhaseChanged".into(),
        note: Some(format!("phase changed from {before} to {after}")),
        action: format!("{before} to {after}"),
        secondary: None,
    }
}

fn failure_event(type_: &str, failure: Shortfall<'_>) -> Event {
    let note = format!("{type_}: {}", failure.message);
    Event {
        type_: EventType::Warning,
        reason: failure.reason.as_str().into(),
        note: Some(truncated(&note, MAX_NOTE).into()),
        action: type_.into(),
        secondary: None,
    }
}

/// Returns each failing condition whose reason the Tenant's old status doesn't have yet, so that
/// retries publish nothing.
fn new_failures<'a>(
    tenant: &Tenant,
    outcomes: &'a [PlaneOutcome],
    blocked: Option<&'a Error>,
) -> Vec<(&'static str, Shortfall<'a>)> {
    let old = tenant.status.as_ref().map(|status| &status.conditions);
    let is_new = |(type_, failure): &(&str, Shortfall<'_>)| {
        let known = old.and_then(|old| condition::find(old, type_));
        known.is_none_or(|it| it.status != "False" || it.reason != failure.reason.as_str())
    };
    let planes = outcomes
        .iter()
        .filter_map(|outcome| Some((outcome.condition, outcome.shortfall()?)));
    // Waiting for a backend, or for another writer, is no failure.
    let fails = |class| !matches!(class, Class::Pending | Class::Conflict);
    planes
        .chain(blocked.map(|error| (types::READY, error.into())))
        .filter(|(_, failure)| fails(failure.reason.class()))
        .filter(is_new)
        .collect()
}

/// Returns the steps in one line, and only the number of those for which there is no room.
fn note(condition: &str, steps: &[String]) -> String {
    let all = format!("{condition}: {}", steps.join(SEPARATOR));
    if all.len() <= MAX_NOTE {
        return all;
    }
    let more = |left: usize| format!(", and {left} more");
    let mut note = format!("{condition}: ");
    for (listed, step) in steps.iter().enumerate() {
        let separator = if listed == 0 { "" } else { SEPARATOR };
        let rest = more(steps.len() - listed);
        if note.len() + separator.len() + step.len() + rest.len() > MAX_NOTE {
            return match listed {
                0 => truncated(&all, MAX_NOTE).into(),
                _ => note + &rest,
            };
        }
        note += separator;
        note += step;
    }
    note
}

/// Returns the longest beginning of `text` that has at most `max` bytes.
fn truncated(text: &str, max: usize) -> &str {
    text.get(..text.floor_char_boundary(max)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Phase::{Active, Archived, Provisioning, Suspended};
    use akili_crds::TenantSpec;
    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

    use crate::backend::Outcome;
    use crate::error::Reason;

    #[test]
    fn step_reason_is_repaired_only_after_converging_to_the_same() {
        for (reached, target, had_converged, expected, case) in [
            (Provisioning, Active, false, "Provisioned", "new tenant"),
            (
                Provisioning,
                Suspended,
                false,
                "Provisioned",
                "created suspended",
            ),
            (
                Provisioning,
                Archived,
                false,
                "Archived",
                "archived before it was ACTIVE",
            ),
            (
                Provisioning,
                Active,
                true,
                REPAIRED,
                "changed while another plane is late",
            ),
            (
                Active,
                Suspended,
                false,
                "Suspended",
                "suspension, and its retry",
            ),
            (
                Active,
                Suspended,
                true,
                REPAIRED,
                "changed while another plane is late",
            ),
            (Suspended, Active, false, "Reactivated", "reactivation"),
            (Active, Archived, false, "Archived", "archiving"),
            (Suspended, Archived, false, "Archived", "archiving"),
            (
                Active,
                Active,
                false,
                "Updated",
                "quota change, upgrade, new leader",
            ),
            (
                Suspended,
                Suspended,
                false,
                "Updated",
                "quota change, upgrade, new leader",
            ),
            (Active, Active, true, REPAIRED, "changed by hand"),
            (Archived, Archived, true, REPAIRED, "opened by hand"),
        ] {
            assert_eq!(
                step_reason(reached, target, had_converged),
                expected,
                "{case}"
            );
        }
    }

    #[test]
    fn note_lists_steps_within_the_api_servers_limit() {
        let steps = |count: usize, length: usize| vec!["ä".repeat(length / 2); count];
        assert_eq!(
            note("AReady", &["one".into(), "two".into()]),
            "AReady: one, then two"
        );
        for (steps, end) in [
            (steps(9, 100), "ä"),
            (steps(10, 100), ", and 1 more"),
            (steps(11, 100), ", and 2 more"),
            (steps(200, 20), ", and 163 more"),
            (steps(1, 2000), "ä"),
            (steps(2, 2000), "ä"),
        ] {
            let note = note("AReady", &steps);
            assert!(note.len() <= MAX_NOTE, "{}", note.len());
            assert!(note.ends_with(end), "{note}");
        }
    }

    fn outcome(condition: &'static str, error: Option<Error>) -> PlaneOutcome {
        PlaneOutcome {
            plane: "plane",
            condition,
            had_converged: false,
            changed: vec![],
            outcome: error.map_or(Outcome::Converged { notice: None }, Outcome::from),
        }
    }

    fn tenant(condition: Option<(&str, &str)>) -> Tenant {
        let spec: TenantSpec = serde_json::from_str(r#"{"displayName": "Acme"}"#).unwrap();
        let mut tenant = Tenant::new("acme", spec);
        let conditions = condition.into_iter().map(|(status, reason)| Condition {
            type_: types::POSTGRES_READY.into(),
            status: status.into(),
            reason: reason.into(),
            message: String::new(),
            observed_generation: None,
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
        });
        tenant.status = Some(TenantStatus {
            conditions: conditions.collect(),
            ..TenantStatus::default()
        });
        tenant
    }

    #[test]
    fn new_failures_are_those_with_another_reason_than_before() {
        let error = |reason| Error::new(reason, "db:5432 refused");
        for (before, reason, expected, case) in [
            (None, Reason::Unreachable, true, "fails from the start"),
            (
                Some(("True", "Converged")),
                Reason::Unreachable,
                true,
                "starts failing",
            ),
            (
                Some(("False", "Unreachable")),
                Reason::Unreachable,
                false,
                "retry",
            ),
            (
                Some(("False", "LoginRefused")),
                Reason::Unreachable,
                true,
                "another reason",
            ),
            (
                Some(("True", "Converged")),
                Reason::NotYetEffective,
                false,
                "waits",
            ),
            (
                Some(("True", "Converged")),
                Reason::ApiServerConflict,
                false,
                "retried quietly",
            ),
        ] {
            let outcomes = [
                outcome(types::NAMESPACE_READY, None),
                outcome(types::POSTGRES_READY, Some(error(reason))),
            ];
            let tenant = tenant(before);
            let failures = new_failures(&tenant, &outcomes, None);
            assert_eq!(!failures.is_empty(), expected, "{case}");
            for (type_, failure) in failures {
                let event = failure_event(type_, failure);
                assert_eq!(event.reason, "Unreachable");
                assert_eq!(event.note.unwrap(), "PostgresReady: db:5432 refused");
            }
        }
    }
}
