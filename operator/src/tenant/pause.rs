//! How soon a tenant is looked at again.

use std::time::Duration;

use akili_crds::TenantStatus;
use akili_crds::condition;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use rand::RngExt;

use super::Context;
use super::report::Report;
use crate::error::Class;

/// How soon to look again at what is still going on.
pub const SOON: Duration = Duration::from_secs(1);

/// A tenant whose planes hold what they should is looked at through and through, its
/// Secrets and logins too, once in so many audits.
const AUDITS_PER_LOOK: u32 = 10;

/// When to look again: as soon as the first of the late planes wants it.
pub fn next_look(reports: &[Report], status: &TenantStatus, context: &Context) -> Duration {
    let late = reports.iter().filter_map(|report| {
        let since = condition::find(&status.conditions, report.condition);
        Some(pause(report.error()?.class, since, context))
    });
    late.min()
        .unwrap_or_else(|| jittered(AUDITS_PER_LOOK * context.audit_interval))
}

/// How long to wait after an error, where the condition that tells of it says since
/// when: half as long as it has lasted, so that pauses grow with an outage.
pub fn pause(class: Class, told: Option<&Condition>, context: &Context) -> Duration {
    let lasted = told.map_or(Duration::ZERO, |condition| {
        let since = condition.last_transition_time.0;
        Timestamp::now().duration_since(since).unsigned_abs()
    });
    jittered(match class {
        Class::Conflict | Class::Pending => SOON,
        Class::Transient => (lasted / 2).min(context.audit_interval).max(SOON),
        Class::Operator | Class::Invalid => context.audit_interval,
    })
}

/// Up to a tenth less or more, so that tenants don't all come at once.
pub fn jittered(duration: Duration) -> Duration {
    duration.mul_f64(rand::rng().random_range(0.9..1.1))
}
