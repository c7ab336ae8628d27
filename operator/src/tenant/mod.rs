//! The Tenant controller. Read top to bottom it is the story of one reconcile.

pub mod audit;
pub mod registry;
mod report;

use std::sync::Arc;
use std::time::Duration;

use akili_crds::names::InvalidSlug;
use akili_crds::{
    Phase, Slug, State, Tenant, TenantId, TenantQuota, TenantQuotaSpec, TenantStatus, lifecycle,
};
use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::events::{Event, EventType, Recorder};
use kube::runtime::watcher;
use kube::{Resource, ResourceExt};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::backend::kubernetes::{FIELD_MANAGER, Kubernetes};
use crate::backend::postgres::Postgres;
use crate::backend::{Backend, Desired, Outcome, TenantKey, converge};
use crate::error::{Class, Error};
use registry::{Registry, Row};
use report::Plane;

/// How soon to look again at what is still going on.
const SOON: Duration = Duration::from_secs(1);
/// How soon to look again at what only a person can mend.
const SLOW: Duration = Duration::from_secs(60);

/// Characters that the API server takes as an event's action.
const MAX_ACTION: usize = 128;

/// What every reconcile needs.
pub struct Context {
    /// The API server, as the operator's own ServiceAccount.
    pub client: Client,
    /// Decides ids and states.
    pub registry: Registry,
    /// The Kubernetes plane, which the other planes need: it holds their credentials.
    pub kubernetes: Kubernetes,
    /// The PostgreSQL plane.
    pub postgres: Arc<Postgres>,
    /// Tells what was done.
    pub recorder: Recorder,
    /// How long an archived tenant's data is kept where the Tenant doesn't say.
    pub retention: Duration,
    /// How often every tenant is looked at although nothing was heard of it.
    pub audit_interval: Duration,
}

/// Works on all Tenants until `stop`; what has begun is ended first.
pub async fn run(context: Arc<Context>, concurrency: u16, stop: CancellationToken) {
    let tenants: Api<Tenant> = Api::all(context.client.clone());
    let quotas: Api<TenantQuota> = Api::all(context.client.clone());
    Controller::new(tenants, watcher::Config::default())
        .watches(quotas, watcher::Config::default(), |quota| {
            Some(kube::runtime::reflector::ObjectRef::new(&quota.name_any()))
        })
        .with_config(Config::default().concurrency(concurrency))
        .graceful_shutdown_on(async move { stop.cancelled().await })
        .run(reconcile, retry, context)
        .for_each(|done| async {
            if let Err(error) = done {
                tracing::warn!(%error, "a reconcile failed");
            }
        })
        .await;
}

/// Takes one tenant a step towards what its spec wants, and says how far it got.
async fn reconcile(tenant: Arc<Tenant>, context: Arc<Context>) -> Result<Action, Error> {
    // 1. Who is it? From the status, or the registry. (needs PostgreSQL once)
    let (key, row) = match identify(&tenant, &context).await {
        Ok(found) => found,
        Err(error) => {
            let status = report::blocked(&tenant, &error, &Time(Timestamp::now()));
            write_status(&context, &tenant, status).await?;
            return Ok(Action::requeue(pause(error.class, &context)));
        }
    };

    // 2. What may it use? (needs a client)
    let limits = limits(&context, &key).await?;

    // 3. What should every plane hold? (pure)
    let target = lifecycle::target(tenant.spec.state, row.as_ref().map(|row| row.state));
    let desired = desired(target, limits);

    // 4. Bring every plane there, and keep every outcome.
    let planes = converge_all(&context, &key, &desired).await;

    // 5. Say so, and open the namespace once every plane is open.
    let status = report::status(
        &tenant,
        &key,
        row.as_ref(),
        target,
        &planes,
        &Time(Timestamp::now()),
    );
    tell_changes(&context, &tenant, &planes).await;
    let opened = status.phase == Some(Phase::Active);
    if opened && tenant.status.as_ref().and_then(|old| old.phase) != Some(Phase::Active) {
        context.kubernetes.set_state(&key, Phase::Active).await?;
    }
    write_status(&context, &tenant, status).await?;
    Ok(Action::requeue(next_look(&planes, &context)))
}

async fn identify(tenant: &Tenant, context: &Context) -> Result<(TenantKey, Option<Row>), Error> {
    let slug: Slug = tenant
        .name_any()
        .parse()
        .map_err(|error: InvalidSlug| Error::new(Class::Invalid, "InvalidSlug", error))?;
    let known = tenant
        .status
        .as_ref()
        .and_then(|status| status.id.as_deref());
    let opened =
        tenant.status.as_ref().and_then(|status| status.phase) == Some(tenant.spec.state.into());
    if let (Some(id), true) = (known, opened) {
        return Ok((
            TenantKey {
                slug,
                id: parse_id(id)?,
            },
            None,
        ));
    }
    let seed = known
        .or(tenant.spec.id.as_deref())
        .map(parse_id)
        .transpose()?;
    let mut row = context.registry.enroll(&slug, seed).await?;
    if tenant.spec.state == State::Archived && row.state != Phase::Archived {
        context
            .registry
            .archive(&slug, retention(tenant, context)?)
            .await?;
        row = context.registry.enroll(&slug, seed).await?;
    }
    if row.state == Phase::Archived && Phase::from(tenant.spec.state) != Phase::Archived {
        return Err(Error::new(
            Class::Invalid,
            "TenantArchived",
            format!(
                "tenant {slug} is archived for ever: set spec.state to Archived, or choose another name"
            ),
        ));
    }
    Ok((TenantKey { slug, id: row.id }, Some(row)))
}

/// How long the tenant's data is kept once it is archived.
fn retention(tenant: &Tenant, context: &Context) -> Result<Duration, Error> {
    let Some(text) = &tenant.spec.retention else {
        return Ok(context.retention);
    };
    let duration: kube::core::Duration = text.parse().map_err(|error| {
        Error::new(
            Class::Invalid,
            "InvalidRetention",
            format!("spec.retention {text}: {error}"),
        )
    })?;
    Ok(duration.into())
}

fn parse_id(id: &str) -> Result<TenantId, Error> {
    id.parse()
        .map_err(|error| Error::new(Class::Invalid, "InvalidId", error))
}

/// The tenant's limits; its TenantQuota is made with the defaults if there is none.
async fn limits(context: &Context, key: &TenantKey) -> Result<TenantQuotaSpec, Error> {
    let quotas: Api<TenantQuota> = Api::all(context.client.clone());
    if let Some(quota) = quotas.get_opt(key.slug.as_str()).await? {
        return Ok(quota.spec);
    }
    // With an empty spec, so that the CRD's defaults fill it and no field is owned.
    let quotas: Api<kube::core::DynamicObject> = Api::all_with(
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
        answer => drop(answer?),
    }
    Ok(TenantQuotaSpec::default())
}

fn desired(target: Phase, limits: TenantQuotaSpec) -> Desired {
    match target {
        Phase::Active | Phase::Provisioning => Desired::Writable(limits),
        Phase::Suspended => Desired::ReadOnly(limits),
        Phase::Archived => Desired::NoAccess,
    }
}

async fn converge_all(context: &Context, key: &TenantKey, desired: &Desired) -> Vec<Plane> {
    let (kubernetes, postgres) = (&context.kubernetes, context.postgres.as_ref());
    let namespace = converge(kubernetes, key, desired).await;
    let database = converge(postgres, key, desired).await;
    vec![
        (kubernetes.condition(), namespace),
        (postgres.condition(), database),
    ]
}

async fn tell_changes(context: &Context, tenant: &Tenant, planes: &[Plane]) {
    let was_ready = tenant
        .status
        .as_ref()
        .is_some_and(|status| akili_crds::condition::is_true(&status.conditions, "Ready"));
    let reason = if was_ready { "Repaired" } else { "Changed" };
    for (type_, outcome) in planes {
        let Outcome::Converged { changed, .. } = outcome else {
            continue;
        };
        for step in changed {
            // Events of one action are counted as one: each step is an action of its own.
            let event = Event {
                type_: EventType::Normal,
                reason: reason.into(),
                note: Some(format!("{type_}: {step}")),
                action: step.chars().take(MAX_ACTION).collect(),
                secondary: None,
            };
            if let Err(error) = context
                .recorder
                .publish(&event, &tenant.object_ref(&()))
                .await
            {
                tracing::warn!(%error, tenant = tenant.name_any(), "an event was lost");
            }
        }
    }
}

/// One patch, and none where nothing changed.
async fn write_status(
    context: &Context,
    tenant: &Tenant,
    status: TenantStatus,
) -> Result<(), Error> {
    if tenant.status.as_ref() == Some(&status) {
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

fn next_look(planes: &[Plane], context: &Context) -> Duration {
    planes
        .iter()
        .filter_map(|(_, outcome)| match outcome {
            Outcome::Failed(error) => Some(pause(error.class, context)),
            Outcome::Converged { .. } => None,
        })
        .min()
        .unwrap_or(context.audit_interval)
}

fn pause(class: Class, context: &Context) -> Duration {
    match class {
        Class::Conflict | Class::Pending => SOON,
        Class::Transient => SOON * 3,
        Class::Operator => context.audit_interval,
        Class::Invalid => SLOW,
    }
}

fn retry(_: Arc<Tenant>, error: &Error, context: Arc<Context>) -> Action {
    Action::requeue(pause(error.class, &context))
}
