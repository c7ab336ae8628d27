//! Periodic audits: each plane lists what it holds for all tenants in one pass. A tenant whose
//! plane changed since the tenant converged is reconciled.

use std::collections::BTreeSet;

use akili_crds::Tenant;
use futures::future::join_all;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::reflector::Store;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use super::context::Context;
use crate::backend::{Plane, TenantKey};
use crate::backoff::{Readable, jittered};

/// Audits the tenants that are `known` in every plane, each plane in a loop of its own, until
/// `stop`. Sends those that drifted to `drifted`.
pub async fn run(
    context: &Context,
    known: Store<Readable<Tenant>>,
    drifted: UnboundedSender<ObjectRef<Readable<Tenant>>>,
    stop: CancellationToken,
) {
    let planes = context.planes.iter();
    let audits = planes.map(|plane| audit(context, plane.as_ref(), &known, &drifted));
    stop.run_until_cancelled(join_all(audits)).await;
}

async fn audit(
    context: &Context,
    plane: &dyn Plane,
    known: &Store<Readable<Tenant>>,
    drifted: &UnboundedSender<ObjectRef<Readable<Tenant>>>,
) {
    loop {
        tokio::time::sleep(jittered(context.audit_interval)).await;
        let tenants = known.state();
        let tenants = tenants.iter().filter_map(|tenant| tenant.0.as_ref().ok());
        // Nothing is left to audit of a purged tenant.
        let tenants = tenants.filter(|tenant| !tenant.is_purged());
        let tenants: BTreeSet<TenantKey> = tenants.filter_map(TenantKey::of).collect();
        context.history.retain(plane.name(), &tenants);
        let drift = plane.audit(&tenants).await;
        if let Some(error) = drift.error {
            tracing::warn!(plane = plane.name(), %error, "failed to audit the tenants");
        }
        for tenant in drift.tenants {
            // The receiver is dropped only when the controller stops.
            let _ = drifted.send(ObjectRef::new(tenant.slug.as_str()));
        }
    }
}
