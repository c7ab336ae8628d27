//! All tenants looked at together, again and again: a plane that no longer holds what
//! it held when a tenant was as desired makes that tenant be reconciled.

use std::collections::BTreeSet;

use futures::future::join_all;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::reflector::Store;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use super::identity::key;
use super::pause::jittered;
use super::{Context, Readable, is_purged};
use crate::backend::{Plane, TenantKey};

/// Looks at the tenants that are `known`, in every plane by itself, until `stop`.
/// Those that drifted are sent to be reconciled.
pub async fn run(
    context: &Context,
    known: Store<Readable>,
    drifted: UnboundedSender<ObjectRef<Readable>>,
    stop: CancellationToken,
) {
    let planes = context.planes.iter();
    let audits = planes.map(|plane| audit(context, plane.as_ref(), &known, &drifted));
    stop.run_until_cancelled(join_all(audits)).await;
}

async fn audit(
    context: &Context,
    plane: &dyn Plane,
    known: &Store<Readable>,
    drifted: &UnboundedSender<ObjectRef<Readable>>,
) {
    loop {
        tokio::time::sleep(jittered(context.audit_interval)).await;
        let tenants = known.state();
        let tenants = tenants.iter().filter_map(|tenant| tenant.0.as_ref().ok());
        // Of those that were purged there is nothing to look at.
        let tenants = tenants.filter(|tenant| !is_purged(tenant));
        let tenants: BTreeSet<TenantKey> = tenants.filter_map(key).collect();
        let drift = plane.audit(&tenants).await;
        if let Some(error) = drift.error {
            tracing::warn!(plane = plane.name(), %error, "the tenants could not be looked at");
        }
        for tenant in drift.tenants {
            // Whoever would receive it is stopping.
            let _ = drifted.send(ObjectRef::new(tenant.slug.as_str()));
        }
    }
}
