//! The Tenant controller. Read top to bottom it is the story of one reconcile.

mod audit;
#[cfg(test)]
pub(crate) mod fake;
mod guard;
#[cfg(test)]
mod life;
mod purge;
pub mod registry;
mod report;
#[cfg(test)]
mod sweep;
pub mod tables;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;

use std::sync::Arc;
use std::time::{Duration, Instant};

use akili_crds::condition::{self, is_true, types};
use akili_crds::lifecycle::Data;
use akili_crds::names::{ANNOTATION_ADOPT, InvalidSlug};
use akili_crds::tenant::Resources;
use akili_crds::{
    Phase, Slug, State, Tenant, TenantId, TenantQuota, TenantQuotaSpec, TenantStatus, lifecycle,
};
use futures::StreamExt;
use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::core::{DeserializeGuard, DynamicObject};
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::events::{Event, EventType, Recorder};
use kube::runtime::reflector::ObjectRef;
use kube::runtime::reflector::store::Writer;
use kube::runtime::{Predicate as _, PredicateConfig, WatchStreamExt, predicates, watcher};
use kube::{Client, Resource, ResourceExt};
use rand::RngExt;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::sync::CancellationToken;

use crate::backend::kubernetes::{FIELD_MANAGER, Kubernetes};
use crate::backend::{Desired, Growth, Guard as _, Plane, TenantKey};
use crate::error::{Class, Error, OWNED_BY_ANOTHER, PURGING, TENANT_ARCHIVED};
use crate::leader::Leadership;
use crate::metrics::Metrics;
use crate::quota;
use crate::watch;
pub(crate) use audit::key;
use guard::LiveGuard;
use registry::{LONGEST_RETENTION, Row, Rows, UNAVAILABLE};
use report::{Report, Subject};

/// How soon to look again at what is still going on.
const SOON: Duration = Duration::from_secs(1);

/// A tenant whose planes hold what they should is looked at through and through, its
/// Secrets and logins too, once in so many audits.
const AUDITS_PER_LOOK: u32 = 10;

/// Characters that the API server takes as an event's action.
const MAX_ACTION: usize = 128;

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

/// The tenant's row, if one is needed; or why it can't be read, if it can be done without.
type Known = Result<Option<Row>, Error>;

/// The tenant's key, its row, its limits and whether its storage may grow.
async fn gather(
    tenant: &Tenant,
    context: &Context,
) -> Result<(TenantKey, Known, (TenantQuotaSpec, Growth)), Error> {
    let (key, row) = identify(tenant, context).await?;
    let limits = limits(tenant, context, &key).await?;
    Ok((key, row, limits))
}

/// Whether a plane wasn't opened, because the row says that the tenant is archived.
fn is_refused(tenant: &Tenant) -> bool {
    let status = tenant.status.as_ref();
    let mut conditions = status.into_iter().flat_map(|status| &status.conditions);
    conditions.any(|condition| condition.reason == TENANT_ARCHIVED)
}

/// A tenant that is what it should be needs no row, unless it is archived, for the row
/// says until when; one that is to be closed is closed in the other planes although the
/// registry can't be asked.
async fn identify(tenant: &Tenant, context: &Context) -> Result<(TenantKey, Known), Error> {
    context.registry.refuse_foreign()?;
    let slug: Slug = tenant
        .name_any()
        .parse()
        .map_err(|error: InvalidSlug| Error::new(Class::Invalid, "InvalidSlug", error))?;
    let known = tenant
        .status
        .as_ref()
        .and_then(|status| status.id.as_deref())
        .map(parse_id)
        .transpose()?;
    let wanted = tenant.spec.state;
    let arrived = phase(tenant) == wanted.into();
    let needless = arrived && wanted != State::Archived && !is_refused(tenant);
    if let (Some(id), true) = (known, needless) {
        return Ok((TenantKey { slug, id }, Ok(None)));
    }
    match (registered(tenant, context, &slug, known).await, known) {
        (Ok(row), _) => Ok((TenantKey { slug, id: row.id }, Ok(Some(row)))),
        // What may be half purged is not put back.
        (Err(error), Some(id))
            if wanted != State::Active
                && error.reason == UNAVAILABLE
                && !purge::may_have_begun(tenant) =>
        {
            Ok((TenantKey { slug, id }, Err(error)))
        }
        (Err(error), _) => Err(error),
    }
}

/// The tenant's row, which is archived now if that is what is wanted, and kept for as long
/// as the Tenant says.
async fn registered(
    tenant: &Tenant,
    context: &Context,
    slug: &Slug,
    known: Option<TenantId>,
) -> Result<Row, Error> {
    let seed = match known {
        Some(id) => Some(id),
        None => tenant.spec.id.as_deref().map(parse_id).transpose()?,
    };
    let registry = &context.registry;
    let row = registry.enroll(slug, seed).await?;
    // Only the Tenant that was purged has its id in its status.
    if row.purged_at.is_some() && known.is_none() {
        return Err(retired(slug));
    }
    let retention = retention(tenant)?;
    match (tenant.spec.state, row.state) {
        (State::Archived, Phase::Archived) => {
            let kept_until = row.purge_after.as_ref().map(|time| time.0);
            match retention {
                Some(retention)
                    if row.purged_at.is_none()
                        && row.purge_after(Some(retention)) != kept_until =>
                {
                    registry.keep_for(slug, retention).await?;
                    registry.enroll(slug, seed).await
                }
                _ => Ok(row),
            }
        }
        (State::Archived, _) => {
            let retention = retention.unwrap_or(context.retention);
            registry.archive(slug, retention).await?;
            registry.enroll(slug, seed).await
        }
        // One that has its id is from a backup, and closed wherever that has opened it.
        (_, Phase::Archived) if known.is_none() || row.purged_at.is_some() => {
            Err(archived_for_ever(slug))
        }
        _ => Ok(row),
    }
}

fn retired(slug: &Slug) -> Error {
    Error::new(
        Class::Invalid,
        "SlugRetired",
        format!(
            "the tenant that was called {slug} was purged, and its name is never used again: choose another"
        ),
    )
}

fn archived_for_ever(slug: &Slug) -> Error {
    Error::new(
        Class::Invalid,
        TENANT_ARCHIVED,
        format!(
            "tenant {slug} is archived for ever: set spec.state to Archived, or choose another name"
        ),
    )
}

fn unreadable(slug: &str, why: &str) -> Error {
    Error::new(
        Class::Invalid,
        "Unreadable",
        format!("Tenant {slug} can't be read: {why}; correct it with kubectl edit"),
    )
}

/// How long the tenant's data is to be kept once it is archived, if its Tenant says so.
fn retention(tenant: &Tenant) -> Result<Option<Duration>, Error> {
    let Some(text) = &tenant.spec.retention else {
        return Ok(None);
    };
    let duration: kube::core::Duration = text.parse().map_err(|error| {
        Error::new(
            Class::Invalid,
            "InvalidRetention",
            format!("spec.retention {text}: {error}"),
        )
    })?;
    Ok(Some(Duration::from(duration).min(LONGEST_RETENTION)))
}

fn parse_id(id: &str) -> Result<TenantId, Error> {
    id.parse()
        .map_err(|error| Error::new(Class::Invalid, "InvalidId", error))
}

/// The tenant's limits, and whether its storage may grow; its TenantQuota is made with the
/// defaults if there is none.
async fn limits(
    tenant: &Tenant,
    context: &Context,
    key: &TenantKey,
) -> Result<(TenantQuotaSpec, Growth), Error> {
    let quotas: Api<TenantQuota> = Api::all(context.client.clone());
    if let Some(quota) = quotas.get_opt(key.slug.as_str()).await? {
        let growth = quota::growth(&quota);
        return Ok((quota.spec, growth));
    }
    // Whoever took both away gives the quota back first: it must not be there by then.
    let guard = LiveGuard::new(context, key, tenant);
    guard.confirm_tenant().await?;
    // With an empty spec, so that the CRD's defaults fill it and no field is owned.
    let quotas: Api<DynamicObject> = Api::all_with(
        context.client.clone(),
        &kube::core::ApiResource::erase::<TenantQuota>(&()),
    );
    let empty = serde_json::from_value(json!({
        "apiVersion": TenantQuota::api_version(&()),
        "kind": TenantQuota::kind(&()),
        "metadata": {"name": key.slug.as_str()},
        "spec": {},
    }))
    .map_err(|error| Error::new(Class::Invalid, "InvalidQuota", error))?;
    match quotas.create(&PostParams::default(), &empty).await {
        Err(kube::Error::Api(status)) if status.code == 409 => {}
        answer => drop(answer.map_err(|error| without_quota(&key.slug, error.into()))?),
    }
    Ok((TenantQuotaSpec::default(), Growth::Allowed))
}

fn without_quota(slug: &Slug, why: Error) -> Error {
    let message = format!(
        "TenantQuota {slug} can't be made: {why}; see whether the CRD tenantquotas.akili.io is installed"
    );
    Error { message, ..why }
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

async fn tell_changes(context: &Context, tenant: &Tenant, reports: &[Report]) {
    let was_ready = tenant
        .status
        .as_ref()
        .is_some_and(|status| is_true(&status.conditions, types::READY));
    for report in reports {
        let reason = if was_ready { "Repaired" } else { "Changed" };
        if was_ready {
            let changed = report.outcome.changed.len();
            context.metrics.repaired(report.plane, changed);
        }
        tell(context, tenant, reason, report).await;
    }
}

/// An event for each step that a plane has taken.
async fn tell(context: &Context, tenant: &Tenant, reason: &str, report: &Report) {
    for step in &report.outcome.changed {
        // Events of one action are counted as one: each step is an action of its own.
        let event = Event {
            type_: EventType::Normal,
            reason: reason.into(),
            note: Some(format!("{}: {step}", report.condition)),
            action: step.chars().take(MAX_ACTION).collect(),
            secondary: None,
        };
        publish(&context.recorder, tenant, &event).await;
    }
}

/// Tells of a Tenant, or of what has its name.
pub(crate) async fn publish<K: Resource<DynamicType = ()>>(
    recorder: &Recorder,
    object: &K,
    event: &Event,
) {
    let object = object.object_ref(&());
    if let Err(error) = recorder.publish(event, &object).await {
        tracing::warn!(%error, tenant = object.name, "an event was lost");
    }
}

/// One patch, and none where nothing changed.
async fn write_status(
    context: &Context,
    tenant: &Tenant,
    status: &TenantStatus,
) -> Result<(), Error> {
    if tenant.status.as_ref() == Some(status) {
        return Ok(());
    }
    let tenants: Api<Tenant> = Api::all(context.client.clone());
    let patch = json!({
        "apiVersion": Tenant::api_version(&()),
        "kind": Tenant::kind(&()),
        "status": status,
    });
    let params = PatchParams::apply(FIELD_MANAGER).force();
    tenants
        .patch_status(&tenant.name_any(), &params, &Patch::Apply(&patch))
        .await?;
    Ok(())
}

/// When to look again: as soon as the first of the late planes wants it.
fn next_look(reports: &[Report], status: &TenantStatus, context: &Context) -> Duration {
    let late = reports.iter().filter_map(|report| {
        let since = condition::find(&status.conditions, report.condition);
        Some(pause(report.error()?.class, since, context))
    });
    late.min()
        .unwrap_or_else(|| jittered(AUDITS_PER_LOOK * context.audit_interval))
}

/// How long to wait after an error, where the condition that tells of it says since
/// when: half as long as it has lasted, so that pauses grow with an outage.
fn pause(class: Class, told: Option<&Condition>, context: &Context) -> Duration {
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
pub(crate) fn jittered(duration: Duration) -> Duration {
    duration.mul_f64(rand::rng().random_range(0.9..1.1))
}

fn retry(_: Arc<Readable>, error: &Error, context: Arc<Context>) -> Action {
    Action::requeue(pause(error.class, None, &context))
}
