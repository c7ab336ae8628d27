//! The story of one reconcile, from top to bottom: gather → desired → converge → status → write.

use std::sync::Arc;

use akili_crds::condition::{self, types};
use akili_crds::lifecycle::{self, Data};
use akili_crds::{Phase, State, Tenant};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use kube::api::Api;
use kube::runtime::controller::Action;

use super::context::Context;
use super::converge::converge_all;
use super::desired::desired;
use super::events::{publish_status_events, publish_step_events};
use super::gather::gather;
use super::guard::LiveGuard;
use super::status::{self, Subject};
use super::{purge, requeue};
use crate::backend::{Guard as _, TenantKey};
use crate::backoff::Readable;
use crate::error::{Error, Reason, api_server};

/// Reconciles one tenant, for as long as this process holds the Lease.
pub async fn reconcile(
    tenant: Arc<Readable<Tenant>>,
    context: Arc<Context>,
) -> Result<Action, Error> {
    let leadership = context.leadership.clone();
    leadership.during(reconcile_tenant(&tenant, &context)).await
}

async fn reconcile_tenant(tenant: &Readable<Tenant>, context: &Context) -> Result<Action, Error> {
    let tenant = readable(tenant)?;
    if tenant.is_purged() {
        context
            .write_status(tenant, &status::acknowledged(tenant))
            .await?;
        return Ok(Action::await_change());
    }
    match latest(tenant, context).await? {
        Some(tenant) => reconcile_latest(&tenant, context).await,
        None => Ok(Action::await_change()),
    }
}

/// The story.
async fn reconcile_latest(tenant: &Tenant, context: &Context) -> Result<Action, Error> {
    // 1. Gather the key, the registry row and the limits. (I/O)
    let gathered = match gather(tenant, context).await {
        Ok(gathered) => gathered,
        Err(error) => return blocked(tenant, &error, context).await,
    };
    let (key, registry) = (gathered.key, gathered.registry);

    // 2. Compute the desired state of every plane. (pure)
    let target = lifecycle::target(tenant.spec.state, registry.row().map(|row| row.state));
    let desired = desired(target, tenant.phase(), gathered.limits, gathered.growth);
    let resources = context.resources(&key);
    let subject = Subject {
        tenant,
        key: &key,
        resources: &resources,
        registry: &registry,
        target,
    };
    publish_names(&subject, context).await?;

    // 3. Converge every plane, and keep every outcome. (I/O)
    let guard = LiveGuard::new(context, &key, tenant);
    if let Data::Purging | Data::Purged = subject.data() {
        return purge::purge(context, &subject, &guard).await;
    }
    adopt(tenant, &key, context).await;
    let outcomes = converge_all(context, &key, &desired, &guard).await;
    publish_step_events(context, tenant, target, &outcomes).await;

    // 4. Compute the next status. (pure)
    let status = status::status(&subject, &outcomes, &Time(Timestamp::now()));

    // 5. Open the namespace once every plane is open, then write the status. (I/O)
    if status.phase == Some(Phase::Active) && tenant.phase() != Phase::Active {
        guard.permit_opening().await?;
        context.kubernetes.set_state(&key, Phase::Active).await?;
    }
    context.write_status(tenant, &status).await?;
    let obstacle = subject.obstacle();
    publish_status_events(context, tenant, &status, &outcomes, obstacle.as_ref()).await;
    let next = requeue::next_requeue(&subject, &outcomes, &status, context);
    Ok(Action::requeue(next))
}

fn readable(tenant: &Readable<Tenant>) -> Result<&Tenant, Error> {
    tenant.0.as_ref().map_err(|malformed| {
        let (slug, why) = (tenant.name_any(), &malformed.error);
        Error::new(
            Reason::Unreadable,
            format!("Tenant {slug} can't be read: {why}; correct it with kubectl edit"),
        )
    })
}

/// Returns the Tenant read live if it is in transition or archived; nothing if it is gone.
/// The cache may still show an older status: acting on it would take an ACTIVE tenant back, or
/// purge one whose retention was prolonged since.
async fn latest(cached: &Tenant, context: &Context) -> Result<Option<Tenant>, Error> {
    let arrived = cached.phase() == cached.spec.state.into();
    if arrived && cached.spec.state != State::Archived {
        return Ok(Some(cached.clone()));
    }
    let tenants: Api<Tenant> = Api::all(context.client.clone());
    let live = tenants.get_opt(&cached.name_any()).await;
    live.map_err(api_server)
}

/// Writes why the reconcile can't begin, and retries later.
async fn blocked(tenant: &Tenant, error: &Error, context: &Context) -> Result<Action, Error> {
    let status = status::blocked(tenant, error, &Time(Timestamp::now()));
    context.write_status(tenant, &status).await?;
    publish_status_events(context, tenant, &status, &[], Some(error)).await;
    let ready = condition::find(&status.conditions, types::READY);
    Ok(Action::requeue(requeue::requeue_after(
        error.class(),
        ready,
        context,
    )))
}

/// Writes a new tenant's id and names into its status at once, before any plane is asked.
async fn publish_names(subject: &Subject<'_>, context: &Context) -> Result<(), Error> {
    let status = subject.tenant.status.as_ref();
    if status.is_some_and(|status| status.id.is_some()) {
        return Ok(());
    }
    let begun = status::begun(subject, &Time(Timestamp::now()));
    context.write_status(subject.tenant, &begun).await
}

/// Lets the tenant have what an admin gives to it by an annotation on its Tenant.
async fn adopt(tenant: &Tenant, key: &TenantKey, context: &Context) {
    for plane in &context.planes {
        if let Err(error) = plane.adopt(tenant, key).await {
            let (tenant, plane) = (key.slug.as_str(), plane.name());
            tracing::warn!(%error, tenant, plane, "failed to adopt existing objects");
        }
    }
}
