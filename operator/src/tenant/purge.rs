//! Purges an archived tenant: deletes everything it has in every plane, page by page, and leaves
//! a tombstone in the registry. If interrupted, the next reconcile continues.

use std::time::Duration;

use akili_crds::lifecycle::Data;
use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::Resource as _;
use kube::runtime::controller::Action;
use kube::runtime::events::{Event, EventType};

use super::context::Context;
use super::converge::converge;
use super::events::{publish_status_events, publish_steps};
use super::guard::LiveGuard;
use super::registry::row::RegistryLookup;
use super::requeue;
use super::status::{self, PlaneOutcome, Subject};
use crate::backend::{Desired, Guard, Outcome, Plane};
use crate::error::{Error, Reason};
use crate::events::publish;

/// Deletes the next page of everything that a tenant whose retention is over has, or records that
/// nothing is left.
pub async fn purge(
    context: &Context,
    subject: &Subject<'_>,
    guard: &LiveGuard<'_>,
) -> Result<Action, Error> {
    let Subject { tenant, key, .. } = *subject;
    if subject.data() == Data::Purging {
        let outcomes = destroy(context, subject, guard).await;
        for outcome in &outcomes {
            publish_steps(context, tenant, Reason::Purging.as_str(), outcome).await;
        }
        if outcomes.iter().any(|outcome| outcome.shortfall().is_some()) {
            let status = status::status(subject, &outcomes, &Time(Timestamp::now()));
            context.write_status(tenant, &status).await?;
            publish_status_events(context, tenant, &status, &outcomes, None).await;
            let progress = outcomes.iter().any(|it| !it.changed.is_empty());
            return Ok(Action::requeue(if progress {
                Duration::ZERO
            } else {
                requeue::after_outcomes(&outcomes, &status, context)
            }));
        }
        guard.permit_destroying().await?;
        context.registry.bury(key).await?;
    }
    let subject = Subject {
        registry: &RegistryLookup::from(context.registry.row(&key.slug).await?),
        ..*subject
    };
    let status = status::purged(&subject, &Time(Timestamp::now()));
    context.write_status(tenant, &status).await?;
    let event = Event {
        type_: EventType::Normal,
        reason: "Purged".into(),
        note: Some("all data of the tenant was deleted; its name can't be used again".into()),
        action: "Purge".into(),
        secondary: None,
    };
    publish(&context.recorder, &tenant.object_ref(&()), &event).await;
    Ok(Action::await_change())
}

/// Converges all planes to nothing at the same time, and Kubernetes last: while data is left, the
/// namespace shows whose it is.
async fn destroy(
    context: &Context,
    subject: &Subject<'_>,
    guard: &LiveGuard<'_>,
) -> Vec<PlaneOutcome> {
    let [kubernetes, others @ ..] = context.planes.as_slice() else {
        return Vec::new();
    };
    let absent = &Desired::Absent;
    let others = others.iter();
    let others = others.map(|plane| converge(context, plane.as_ref(), subject.key, absent, guard));
    let mut outcomes = join_all(others).await;
    let last = if outcomes.iter().all(|outcome| outcome.shortfall().is_none()) {
        converge(context, kubernetes.as_ref(), subject.key, absent, guard).await
    } else {
        waiting(kubernetes.as_ref())
    };
    outcomes.insert(0, last);
    outcomes
}

fn waiting(plane: &dyn Plane) -> PlaneOutcome {
    PlaneOutcome {
        plane: plane.name(),
        condition: plane.condition(),
        had_converged: false,
        changed: vec![],
        outcome: Outcome::pending(
            Reason::Purging,
            "the namespace is deleted once all other planes are purged",
        ),
    }
}
