//! Converges planes and keeps every outcome.

use std::time::Instant;

use futures::future::join_all;

use super::context::Context;
use super::guard::LiveGuard;
use super::status::PlaneOutcome;
use crate::backend::{Desired, Plane, TenantKey};

/// Converges the Kubernetes plane first, whose namespace holds the others' credentials, then all
/// others at the same time: none waits for another or is stopped by its failure.
pub async fn converge_all(
    context: &Context,
    key: &TenantKey,
    desired: &Desired,
    guard: &LiveGuard<'_>,
) -> Vec<PlaneOutcome> {
    let mut outcomes = Vec::new();
    if let [kubernetes, others @ ..] = context.planes.as_slice() {
        outcomes.push(converge(context, kubernetes.as_ref(), key, desired, guard).await);
        let others = others.iter();
        let others = others.map(|plane| converge(context, plane.as_ref(), key, desired, guard));
        outcomes.extend(join_all(others).await);
    }
    outcomes
}

/// Converges one plane, and records how long that took and what it converged to.
pub async fn converge(
    context: &Context,
    plane: &dyn Plane,
    key: &TenantKey,
    desired: &Desired,
    guard: &LiveGuard<'_>,
) -> PlaneOutcome {
    let had_converged = context.history.begin(plane.name(), key, desired);
    let began = Instant::now();
    let convergence = plane.converge(key, desired, guard).await;
    let took = began.elapsed();
    if convergence.outcome.is_converged() {
        context.history.converged(plane.name(), key, desired);
    }
    context
        .metrics
        .reconciled(plane.name(), convergence.as_str(), took);
    PlaneOutcome {
        plane: plane.name(),
        condition: plane.condition(),
        had_converged,
        changed: convergence.changed,
        outcome: convergence.outcome,
    }
}
