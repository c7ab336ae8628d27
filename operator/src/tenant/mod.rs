//! The Tenant controller. Read top to bottom it is the story of one reconcile.
//!
//! - [`identity`]: which tenant it is, by the [`registry`]; [`mod@limits`]: what it may use.
//! - [`guard`]: the last look before access changes or data goes.
//! - [`report`]: what is to be said; pure. [`tell`]: it is said.
//! - [`purge`]: the end of a tenant. [`mod@pause`]: when it is looked at again.
//! - [`audit`]: all tenants looked at together. [`tables`]: their rows closed to others.

mod audit;
#[cfg(test)]
pub(crate) mod fake;
mod guard;
mod identity;
#[cfg(test)]
mod life;
mod limits;
mod pause;
mod purge;
pub mod registry;
mod report;
#[cfg(test)]
mod sweep;
pub mod tables;
mod tell;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;

use std::sync::Arc;
use std::time::{Duration, Instant};

use akili_crds::condition::{self, is_true, types};
use akili_crds::lifecycle::Data;
use akili_crds::names::ANNOTATION_ADOPT;
use akili_crds::tenant::Resources;
use akili_crds::{Phase, State, Tenant, TenantQuotaSpec, lifecycle};
use futures::StreamExt;
use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::Api;
use kube::core::DeserializeGuard;
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::events::Recorder;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::reflector::store::Writer;
use kube::runtime::{Predicate as _, PredicateConfig, WatchStreamExt, predicates, watcher};
use kube::{Client, ResourceExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::sync::CancellationToken;

use crate::backend::kubernetes::Kubernetes;
use crate::backend::{Desired, Growth, Guard as _, Plane, TenantKey};
use crate::error::{Class, Error, OWNED_BY_ANOTHER, TENANT_ARCHIVED};
use crate::leader::Leadership;
use crate::metrics::Metrics;
use crate::quota;
use crate::watch;
use guard::LiveGuard;
pub(crate) use identity::key;
use identity::{Known, identify};
use limits::limits;
pub(crate) use pause::jittered;
use pause::{SOON, next_look, pause};
use registry::Rows;
use report::{Report, Subject};
pub(crate) use tell::publish;
use tell::{tell_changes, write_status};

/// What every reconcile needs.
pub struct Context {
    /// The API server, as the operator's own ServiceAccount.
    pub client: Client,
    /// Decides ids and states.
    pub registry: Arc<dyn Rows>,
    /// Opens a tenant's namespace.
    pub kubernetes: Arc<Kubernetes>,
    /// All planes; Kubernetes is the first, for it holds the others' credentials.
    pub planes: Vec<Arc<dyn Plane>>,
    /// Whether this process is the one that works.
    pub leadership: Leadership,
    /// Tells what was done.
    pub recorder: Recorder,
    /// Counts it.
    pub metrics: Metrics,
    /// How long an archived tenant's data is kept where the Tenant doesn't say.
    pub retention: Duration,
    /// How often every tenant is looked at although nothing was heard of it.
    pub audit_interval: Duration,
}

/// A Tenant, or why it can't be read: one malformed object stops no other.
pub type Readable = DeserializeGuard<Tenant>;

/// Works on all Tenants until `stop`; what has begun is ended first. They are known
/// to whoever reads what `known` writes.
pub async fn run(
    context: Arc<Context>,
    known: Writer<Readable>,
    concurrency: u16,
    stop: CancellationToken,
) {
    let tenants: Api<Readable> = Api::all(context.client.clone());
    let cache = known.as_reader();
    let (drifted, reconcile_drifted) = mpsc::unbounded_channel();
    let audit = audit::run(&context, cache.clone(), drifted, stop.clone());
    // What is written into a status is no reason to look again.
    let specs = watcher(tenants, watcher::Config::default())
        .reflect(known)
        .applied_objects()
        .predicate_filter(
            predicates::generation.combine(predicates::annotations),
            PredicateConfig::default(),
        );
    let stopped = async move { stop.cancelled().await };
    let controller = Controller::for_stream(specs, cache)
        .watches_stream(quota::limits(context.client.clone()), |quota| {
            Some(ObjectRef::new(&quota.name_any()))
        })
        .reconcile_on(UnboundedReceiverStream::new(reconcile_drifted))
        .with_config(Config::default().concurrency(concurrency))
        .trigger_backoff(watch::pauses())
        .graceful_shutdown_on(stopped)
        .run(reconcile, retry, context.clone())
        .for_each(|done| async {
            if let Err(error) = done {
                tracing::warn!(%error, "a reconcile failed");
            }
        });
    tokio::join!(controller, audit);
}

/// Takes one tenant a step towards what its spec wants, while this process leads.
async fn reconcile(tenant: Arc<Readable>, context: Arc<Context>) -> Result<Action, Error> {
    let leadership = context.leadership.clone();
    leadership.during(take_a_step(tenant, context)).await
}

/// Takes one tenant a step towards what its spec wants, and says how far it got.
async fn take_a_step(tenant: Arc<Readable>, context: Arc<Context>) -> Result<Action, Error> {
    let tenant = match &tenant.0 {
        Ok(tenant) => tenant,
        Err(malformed) => return Err(unreadable(&tenant.name_any(), &malformed.error)),
    };
    if is_purged(tenant) {
        write_status(&context, tenant, &report::acknowledged(tenant)).await?;
        return Ok(Action::await_change());
    }
    let Some(tenant) = &current(tenant, &context).await? else {
        return Ok(Action::await_change());
    };

    // 1. Who is it, and what may it use? (needs a client, and the registry once)
    let (key, registry, (limits, growth)) = match gather(tenant, &context).await {
        Ok(gathered) => gathered,
        Err(error) => {
            let status = report::blocked(tenant, &error, &Time(Timestamp::now()));
            write_status(&context, tenant, &status).await?;
            let told = condition::find(&status.conditions, types::READY);
            return Ok(Action::requeue(pause(error.class, told, &context)));
        }
    };

    // 2. What should every plane hold? (pure)
    let row = registry.as_ref().ok().and_then(Option::as_ref);
    let target = lifecycle::target(tenant.spec.state, row.map(|row| row.state));
    let desired = desired(target, phase(tenant), limits, growth);
    let resources = resources(&context, &key);
    let subject = Subject {
        tenant,
        key: &key,
        resources: &resources,
        registry: &registry,
        target,
    };

    // A new tenant is seen at once, and under which names.
    if tenant
        .status
        .as_ref()
        .is_none_or(|status| status.id.is_none())
    {
        let begun = report::begun(&subject, &Time(Timestamp::now()));
        write_status(&context, tenant, &begun).await?;
    }

    // 3. Bring every plane there, and keep every outcome. (needs a client)
    let guard = LiveGuard::new(&context, &key, tenant);
    if let Data::Purging | Data::Purged = subject.data() {
        return purge::purge(&context, &subject, &guard).await;
    }
    adopt_topics(tenant, &key, &context).await;
    let reports = converge_all(&context, &key, &desired, &guard).await;
    tell_changes(&context, tenant, &reports).await;

    // 4. What is to be said of it? (pure)
    let status = report::status(&subject, &reports, &Time(Timestamp::now()));

    // 5. Open the namespace once every plane is open, and say so. (needs a client)
    if status.phase == Some(Phase::Active) && phase(tenant) != Phase::Active {
        guard.permit_opening().await?;
        context.kubernetes.set_state(&key, Phase::Active).await?;
    }
    write_status(&context, tenant, &status).await?;
    // The row is read next time, and the other planes are closed as well.
    let refused = reports.iter().any(|report| {
        report
            .error()
            .is_some_and(|it| it.reason == TENANT_ARCHIVED)
    });
    let late = subject.unarchived();
    let told = condition::find(&status.conditions, types::READY);
    let again = [
        Some(next_look(&reports, &status, &context)),
        late.map(|error| pause(error.class, told, &context)),
        refused.then_some(SOON),
        purge::begins_in(&subject, &status),
    ];
    Ok(Action::requeue(
        again.into_iter().flatten().min().unwrap_or(SOON),
    ))
}

/// The Tenant, live while it is on its way: the cache may not have heard yet that it
/// has arrived, and it would be taken back. Live once it is archived, too: nothing begins
/// to be purged for what a Tenant said before. Nothing if it is gone.
async fn current(cached: &Tenant, context: &Context) -> Result<Option<Tenant>, Error> {
    let arrived = phase(cached) == cached.spec.state.into();
    if arrived && cached.spec.state != State::Archived {
        return Ok(Some(cached.clone()));
    }
    let tenants: Api<Tenant> = Api::all(context.client.clone());
    Ok(tenants.get_opt(&cached.name_any()).await?)
}

/// What the Tenant has reached: PROVISIONING while nothing is said of it.
pub(crate) fn phase(tenant: &Tenant) -> Phase {
    let status = tenant.status.as_ref();
    status
        .and_then(|status| status.phase)
        .unwrap_or(Phase::Provisioning)
}

/// Whether nothing is left of the tenant, which is for ever.
pub(crate) fn is_purged(tenant: &Tenant) -> bool {
    let status = tenant.status.as_ref();
    status.is_some_and(|status| is_true(&status.conditions, types::PURGED))
}

/// The tenant's key, its row, its limits and whether its storage may grow.
async fn gather(
    tenant: &Tenant,
    context: &Context,
) -> Result<(TenantKey, Known, (TenantQuotaSpec, Growth)), Error> {
    let (key, row) = identify(tenant, context).await?;
    let limits = limits(tenant, context, &key).await?;
    Ok((key, row, limits))
}

fn unreadable(slug: &str, why: &str) -> Error {
    Error::new(
        Class::Invalid,
        "Unreadable",
        format!("Tenant {slug} can't be read: {why}; correct it with kubectl edit"),
    )
}

fn desired(target: Phase, reached: Phase, limits: TenantQuotaSpec, growth: Growth) -> Desired {
    match target {
        Phase::Active | Phase::Provisioning => Desired::Writable {
            limits,
            reached,
            growth,
        },
        Phase::Suspended => Desired::ReadOnly(limits),
        Phase::Archived => Desired::NoAccess,
    }
}

/// The tenant's names in every plane.
fn resources(context: &Context, key: &TenantKey) -> Resources {
    let mut resources = Resources::default();
    for plane in &context.planes {
        plane.name_resources(key, &mut resources);
    }
    resources
}

/// An admin may say that topics which were there before the tenant are the tenant's.
async fn adopt_topics(tenant: &Tenant, key: &TenantKey, context: &Context) {
    let adopted = tenant.annotations().get(ANNOTATION_ADOPT);
    let status = tenant.status.as_ref();
    let refused = status.is_some_and(|status| {
        let topics = condition::find(&status.conditions, types::TOPICS_READY);
        topics.is_some_and(|topics| topics.reason == OWNED_BY_ANOTHER)
    });
    if refused
        && adopted.is_some_and(|what| what == "topics")
        && let Err(error) = context.registry.claim_topics(key).await
    {
        tracing::warn!(%error, tenant = key.slug.as_str(), "topics aren't adopted yet");
    }
}

/// The Kubernetes plane first, whose namespace holds the others' credentials; none of
/// the others waits for another, nor is stopped by its failure.
async fn converge_all(
    context: &Context,
    key: &TenantKey,
    desired: &Desired,
    guard: &LiveGuard<'_>,
) -> Vec<Report> {
    let mut reports = Vec::new();
    if let [kubernetes, others @ ..] = context.planes.as_slice() {
        reports.push(converge(context, kubernetes.as_ref(), key, desired, guard).await);
        let others = others.iter();
        let others = others.map(|plane| converge(context, plane.as_ref(), key, desired, guard));
        reports.extend(join_all(others).await);
    }
    reports
}

async fn converge(
    context: &Context,
    plane: &dyn Plane,
    key: &TenantKey,
    desired: &Desired,
    guard: &LiveGuard<'_>,
) -> Report {
    let began = Instant::now();
    let outcome = plane.converge(key, desired, guard).await;
    let took = began.elapsed();
    context
        .metrics
        .reconciled(plane.name(), outcome.as_str(), took);
    Report {
        plane: plane.name(),
        condition: plane.condition(),
        outcome,
    }
}

fn retry(_: Arc<Readable>, error: &Error, context: Arc<Context>) -> Action {
    Action::requeue(pause(error.class, None, &context))
}
