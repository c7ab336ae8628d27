//! The end of a tenant: every plane brought to hold nothing of it, page by page, and a
//! tombstone in the registry. Whatever is cut off is gone on with by the next reconcile.

use std::time::Duration;

use akili_crds::lifecycle::Data;
use akili_crds::{Phase, Tenant, TenantStatus};
use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::runtime::controller::Action;
use kube::runtime::events::{Event, EventType};

use super::guard::LiveGuard;
use super::pause::next_look;
use super::report::{self, Report, Subject};
use super::tell::{publish, tell, write_status};
use super::{Context, converge, phase};
use crate::backend::{Desired, Guard, Outcome, Plane};
use crate::error::{Class, Error, PURGING};

/// Takes the purge of a tenant whose time is over a step further.
pub async fn purge(
    context: &Context,
    subject: &Subject<'_>,
    guard: &LiveGuard<'_>,
) -> Result<Action, Error> {
    let Subject { tenant, key, .. } = *subject;
    if subject.data() == Data::Purging {
        let reports = destroy(context, subject, guard).await;
        for report in &reports {
            tell(context, tenant, PURGING, report).await;
        }
        if reports.iter().any(|report| report.error().is_some()) {
            let status = report::status(subject, &reports, &Time(Timestamp::now()));
            write_status(context, tenant, &status).await?;
            let progress = reports.iter().any(|it| !it.outcome.changed.is_empty());
            return Ok(Action::requeue(if progress {
                Duration::ZERO
            } else {
                next_look(&reports, &status, context)
            }));
        }
        guard.permit_destroying().await?;
        context.registry.bury(key).await?;
    }
    let subject = Subject {
        registry: &Ok(context.registry.row(&key.slug).await?),
        ..*subject
    };
    let status = report::purged(&subject, &Time(Timestamp::now()));
    write_status(context, tenant, &status).await?;
    let event = Event {
        type_: EventType::Normal,
        reason: "Purged".into(),
        note: Some("nothing is left of the tenant; its name is never used again".into()),
        action: "Purge".into(),
        secondary: None,
    };
    publish(&context.recorder, tenant, &event).await;
    Ok(Action::await_change())
}

/// All planes at once, but Kubernetes last: while anything is left, people see whose it
/// is by the namespace.
async fn destroy(context: &Context, subject: &Subject<'_>, guard: &LiveGuard<'_>) -> Vec<Report> {
    let [kubernetes, others @ ..] = context.planes.as_slice() else {
        return Vec::new();
    };
    let absent = &Desired::Absent;
    let others = others.iter();
    let others = others.map(|plane| converge(context, plane.as_ref(), subject.key, absent, guard));
    let mut reports = join_all(others).await;
    let last = if reports.iter().all(|report| report.error().is_none()) {
        converge(context, kubernetes.as_ref(), subject.key, absent, guard).await
    } else {
        waiting(kubernetes.as_ref())
    };
    reports.insert(0, last);
    reports
}

fn waiting(plane: &dyn Plane) -> Report {
    let error = Error::new(
        Class::Pending,
        PURGING,
        "the namespace goes once the other planes hold nothing any more",
    );
    Report {
        plane: plane.name(),
        condition: plane.condition(),
        outcome: Outcome {
            changed: vec![],
            result: Err(error),
        },
    }
}

/// How long it takes until the purge begins, once every plane is closed.
pub fn begins_in(subject: &Subject<'_>, status: &TenantStatus) -> Option<Duration> {
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

/// Whether the tenant's data may be half gone, as far as its status tells.
pub fn may_have_begun(tenant: &Tenant) -> bool {
    let status = tenant.status.as_ref();
    let after = status.and_then(|status| status.purge_after.as_ref());
    phase(tenant) == Phase::Archived && after.is_some_and(|after| after.0 <= Timestamp::now())
}
