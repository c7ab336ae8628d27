//! Requeue intervals by error class.

use std::sync::Arc;
use std::time::Duration;

use akili_crds::condition::{self, types};
use akili_crds::lifecycle::Data;
use akili_crds::{Phase, Tenant, TenantStatus};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::runtime::controller::Action;

use super::context::Context;
use super::status::{PlaneOutcome, Subject};
use crate::backoff::{Readable, jittered};
use crate::error::{Class, Error, Reason};

/// The interval while work is in progress.
pub const SOON: Duration = Duration::from_secs(1);

/// A converged tenant is reconciled every 10th audit interval, its Secrets and logins included, which
/// an audit doesn't check.
const AUDITS_PER_RECONCILE: u32 = 10;

/// Returns the time until the next reconcile: the earliest that a late plane, the registry, or
/// the end of the retention asks for.
pub fn next_requeue(
    subject: &Subject<'_>,
    outcomes: &[PlaneOutcome],
    status: &TenantStatus,
    context: &Context,
) -> Duration {
    // The next reconcile reads the row, and closes the other planes as well.
    let refused = outcomes.iter().any(|outcome| {
        outcome
            .shortfall()
            .is_some_and(|it| it.reason == Reason::TenantArchived)
    });
    let ready = condition::find(&status.conditions, types::READY);
    let late = subject.unarchived();
    let candidates = [
        Some(after_outcomes(outcomes, status, context)),
        late.map(|error| requeue_after(error.class(), ready, context)),
        refused.then_some(SOON),
        until_purge(subject, status),
    ];
    candidates.into_iter().flatten().min().unwrap_or(SOON)
}

/// Returns the time until the first of the late planes is retried; if none is late, until the
/// next full reconcile.
pub fn after_outcomes(
    outcomes: &[PlaneOutcome],
    status: &TenantStatus,
    context: &Context,
) -> Duration {
    let late = outcomes.iter().filter_map(|outcome| {
        let since = condition::find(&status.conditions, outcome.condition);
        Some(requeue_after(
            outcome.shortfall()?.reason.class(),
            since,
            context,
        ))
    });
    late.min()
        .unwrap_or_else(|| jittered(AUDITS_PER_RECONCILE * context.audit_interval))
}

/// Returns the time until the purge begins, once every plane is closed.
fn until_purge(subject: &Subject<'_>, status: &TenantStatus) -> Option<Duration> {
    let closed = status.phase == Some(Phase::Archived);
    let now = subject.row().map_or_else(Timestamp::now, |row| row.read_at);
    match subject.data() {
        Data::KeptUntil(after) if closed => {
            let left = after.duration_since(now);
            Some(left.try_into().unwrap_or(Duration::ZERO))
        }
        _ => None,
    }
}

/// Returns the time until a retry after an error. A transient one waits half as long as its
/// condition has lasted, so that intervals grow with an outage.
pub fn requeue_after(class: Class, condition: Option<&Condition>, context: &Context) -> Duration {
    let lasted = condition.map_or(Duration::ZERO, |condition| {
        let since = condition.last_transition_time.0;
        Timestamp::now().duration_since(since).unsigned_abs()
    });
    jittered(match class {
        Class::Conflict | Class::Pending => SOON,
        Class::Transient => (lasted / 2).min(context.audit_interval).max(SOON),
        Class::Operator | Class::Invalid => context.audit_interval,
    })
}

/// Requeues a tenant whose reconcile returned an error.
pub fn after_error(_: Arc<Readable<Tenant>>, error: &Error, context: Arc<Context>) -> Action {
    Action::requeue(requeue_after(error.class(), None, &context))
}
