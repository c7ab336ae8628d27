//! What tenants use: measured, compared with their limits, and written into the status of
//! their TenantQuotas. Read top to bottom it is the story of one reconcile.
//!
//! - [`measure`]: how much each tenant stores, on its own slow schedule.
//! - [`changes`]: whose products, connections or pods are no longer as many as they were.
//! - [`queries`]: what queries use at the moment.
//! - [`report`]: what is to be said of all that; pure.

mod changes;
mod measure;
mod pods;
mod queries;
mod report;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use akili_crds::admission::Kind;
use akili_crds::quota::is_storage_over;
use akili_crds::tenant_quota::Usage;
use akili_crds::{TenantQuota, TenantQuotaStatus};
use futures::{Stream, StreamExt};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{Api, Patch, PatchParams};
use kube::core::DeserializeGuard;
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::events::{Event as Told, EventType, Recorder};
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::watcher::Event;
use kube::runtime::{PredicateConfig, WatchStreamExt, predicates, watcher};
use kube::{Client, Resource, ResourceExt};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::sync::CancellationToken;

use crate::backend::kubernetes::FIELD_MANAGER;
use crate::backend::object_store::measure::Listing;
use crate::backend::starrocks::usage::Loads;
use crate::backend::{Growth, TenantKey};
use crate::counts::Counts;
use crate::error::{Class, Error};
use crate::leader::Leadership;
use crate::metrics::Metrics;
use crate::tenant::{self, jittered};
use crate::watch;
use measure::Measurements;
use pods::Pods;
use queries::Queries;
use report::{Known, Warning};

/// A TenantQuota, or why it can't be read: one malformed object stops no other.
pub type Readable = DeserializeGuard<TenantQuota>;

/// How soon to try again what failed.
const SOON: Duration = Duration::from_secs(1);

/// A quota of which nothing was heard is looked at once in so many audits.
const AUDITS_PER_LOOK: u32 = 10;

/// A measurement that finds as much as the one before is written down once in so many:
/// so an idle platform writes little, and people see that it is measured.
const MEASUREMENTS_PER_WRITE: u32 = 4;

/// What every reconcile needs.
pub struct Context {
    /// The API server, as the operator's own ServiceAccount.
    pub client: Client,
    /// The Tenants, as the controller of those knows them.
    pub tenants: Store<tenant::Readable>,
    /// How many products and connections there are.
    pub counts: Counts,
    /// Lists what tenants store.
    pub objects: Arc<dyn Listing>,
    /// Shows what queries use.
    pub loads: Arc<dyn Loads>,
    /// Whether this process is the one that works.
    pub leadership: Leadership,
    /// Tells when a limit comes near.
    pub recorder: Recorder,
    /// Counts the measurements.
    pub metrics: Metrics,
    /// How many quotas are worked on at the same time.
    pub concurrency: u16,
    /// How often every quota is looked at although nothing was heard of it.
    pub audit_interval: Duration,
    /// How often it is measured how much a tenant stores.
    pub measure_interval: Duration,
}

/// What a reconcile goes by.
struct Work {
    context: Context,
    quotas: Store<Readable>,
    pods: Pods,
    queries: Queries,
    storage: Measurements,
}

/// Keeps the status of all TenantQuotas until `stop`; what has begun is ended first.
pub async fn run(context: Context, stop: CancellationToken) {
    let (quotas, known) = reflector::store();
    let (pods, counted) = reflector::store();
    let work = Arc::new(Work {
        quotas,
        pods: Pods::new(pods),
        queries: Queries::default(),
        storage: Measurements::default(),
        context,
    });
    let follow = work.pods.follow(work.context.client.clone(), counted);
    let follow = stop.run_until_cancelled(follow);
    let begin = async {
        // What isn't known yet would be taken for what isn't there.
        let counted = stop.run_until_cancelled(work.is_counted()).await;
        if counted.is_some() {
            keep(&work, known, &stop).await;
        }
    };
    tokio::join!(follow, begin);
}

async fn keep(work: &Arc<Work>, known: Writer<Readable>, stop: &CancellationToken) {
    let quotas: Api<Readable> = Api::all(work.context.client.clone());
    let specs = watcher(quotas, watcher::Config::default())
        .backoff(watch::pauses())
        .reflect(known)
        .applied_objects()
        .predicate_filter(predicates::generation, PredicateConfig::default());
    let (changed, reconcile_changed) = mpsc::unbounded_channel();
    let looks = async {
        tokio::join!(
            changes::run(work, &changed),
            queries::run(work),
            measure::run(work, &changed),
        )
    };
    let stopped = stop.clone();
    let controller = Controller::for_stream(specs, work.quotas.clone())
        .reconcile_on(UnboundedReceiverStream::new(reconcile_changed))
        .with_config(Config::default().concurrency(work.context.concurrency))
        .graceful_shutdown_on(async move { stopped.cancelled().await })
        .run(reconcile, retry, work.clone())
        .for_each(|done| async {
            if let Err(error) = done {
                tracing::warn!(%error, "what a tenant uses isn't told yet");
            }
        });
    tokio::join!(controller, stop.run_until_cancelled(looks));
}

/// Says what one tenant uses, while this process leads.
async fn reconcile(quota: Arc<Readable>, work: Arc<Work>) -> Result<Action, Error> {
    let leadership = work.context.leadership.clone();
    leadership.during(say(&quota.name_any(), &work)).await
}

async fn say(slug: &str, work: &Work) -> Result<Action, Error> {
    let context = &work.context;
    // Live: what was said last decides what is said now, and the cache may not have heard.
    let quotas: Api<TenantQuota> = Api::all(context.client.clone());
    let Some(quota) = quotas.get_opt(slug).await? else {
        return Ok(Action::await_change());
    };

    // 1. What does the tenant use? (as far as this process knows)
    let tenant = work.tenant(slug);
    let used = tenant.as_ref().map(|key| work.used(key));
    let measured = tenant.as_ref().and_then(|key| work.storage.of(key));

    // 2. What is to be said of it? (pure)
    let known = Known {
        used,
        measured,
        keep: MEASUREMENTS_PER_WRITE * context.measure_interval,
    };
    let (status, warnings) = report::report(&quota, &known, &Time(Timestamp::now()));

    // 3. Say it. (needs a client)
    for warning in &warnings {
        warn(context, &quota, warning).await;
    }
    if quota.status.as_ref() != Some(&status) {
        write_status(context, slug, &status).await?;
    }
    let again = AUDITS_PER_LOOK * context.audit_interval;
    Ok(Action::requeue(jittered(again)))
}

impl Work {
    /// Waits until all that is counted was counted once.
    async fn is_counted(&self) {
        // It ends with the process that fills it.
        let _ = self.context.tenants.wait_until_ready().await;
        self.pods.are_known().await;
        while !self.context.counts.is_filled() {
            self.context.counts.changed().await;
        }
    }

    /// The tenant of this name, if it has its id and isn't purged.
    fn tenant(&self, slug: &str) -> Option<TenantKey> {
        let tenant = self.context.tenants.get(&ObjectRef::new(slug))?;
        let tenant = tenant.0.as_ref().ok()?;
        tenant::key(tenant).filter(|_| !tenant::is_purged(tenant))
    }

    /// What is counted in the tenant's namespace.
    fn used(&self, key: &TenantKey) -> Usage {
        let namespace = key.id.namespace();
        let counts = &self.context.counts;
        Usage {
            products: Some(counts.of(Kind::DataProduct, &namespace)),
            connections: Some(counts.of(Kind::Connection, &namespace)),
            pods: self.pods.of(&namespace),
            queries: self.queries.of(key),
            ..Usage::default()
        }
    }
}

/// Whether the tenant's storage may grow, as far as it was measured.
pub fn growth(quota: &TenantQuota) -> Growth {
    let used = quota.status.as_ref().and_then(|it| it.used.as_ref());
    let bytes = used.and_then(|used| used.storage_bytes);
    match is_storage_over(&quota.spec, bytes) {
        true => Growth::Denied,
        false => Growth::Allowed,
    }
}

/// The quotas whose limits have changed, or whether storage may grow: what else is said of
/// usage is no reason to look at a tenant.
pub fn limits(client: Client) -> impl Stream<Item = Result<Readable, watcher::Error>> {
    let quotas: Api<Readable> = Api::all(client);
    let mut known = HashMap::new();
    let watch = watcher(quotas, watcher::Config::default()).backoff(watch::pauses());
    watch.filter_map(move |event| {
        ready(match event {
            Ok(Event::Init | Event::InitDone) => None,
            Ok(Event::InitApply(quota) | Event::Apply(quota)) => {
                let growth = quota.0.as_ref().ok().map(growth);
                let matters = (quota.uid(), quota.meta().generation, growth);
                let before = known.insert(quota.name_any(), matters.clone());
                (before != Some(matters)).then_some(Ok(quota))
            }
            Ok(Event::Delete(quota)) => {
                known.remove(&quota.name_any());
                Some(Ok(quota))
            }
            Err(error) => Some(Err(error)),
        })
    })
}

async fn warn(context: &Context, quota: &TenantQuota, warning: &Warning) {
    let event = Told {
        type_: EventType::Warning,
        reason: warning.reason.into(),
        note: Some(warning.note.clone()),
        action: warning.action.clone(),
        secondary: None,
    };
    tenant::publish(&context.recorder, quota, &event).await;
}

async fn write_status(
    context: &Context,
    slug: &str,
    status: &TenantQuotaStatus,
) -> Result<(), Error> {
    let quotas: Api<TenantQuota> = Api::all(context.client.clone());
    let patch = json!({
        "apiVersion": TenantQuota::api_version(&()),
        "kind": TenantQuota::kind(&()),
        "status": status,
    });
    let params = PatchParams::apply(FIELD_MANAGER).force();
    quotas
        .patch_status(slug, &params, &Patch::Apply(&patch))
        .await?;
    Ok(())
}

fn retry(_: Arc<Readable>, error: &Error, work: Arc<Work>) -> Action {
    Action::requeue(jittered(match error.class {
        Class::Conflict | Class::Pending | Class::Transient => SOON,
        Class::Operator | Class::Invalid => work.context.audit_interval,
    }))
}
