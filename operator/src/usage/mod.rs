//! The TenantQuota controller: measures what tenants use, compares it with their limits, and
//! writes it into the status of their TenantQuotas.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`mod@reconcile`] | the story of one reconcile: start reading here |
//! | [`measure`] | measures how much each tenant stores, on its own slow schedule |
//! | [`changes`] | finds tenants whose products, connections or pods changed |
//! | [`queries`] | polls what queries use |
//! | [`state`] | what was measured, polled and counted |
//! | [`status`] | the next status, and warnings; pure |

mod changes;
pub mod context;
mod measure;
mod queries;
mod reconcile;
mod state;
mod status;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use akili_crds::TenantQuota;
use futures::StreamExt;
use kube::api::Api;
use kube::runtime::controller::{Config, Controller};
use kube::runtime::reflector;
use kube::runtime::reflector::store::Writer;
use kube::runtime::{PredicateConfig, WatchStreamExt, predicates, watcher};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::sync::CancellationToken;

use crate::backoff::{Readable, watch_backoff};
use context::{Context, Work};
use state::{Measurements, Pods, Queries};

/// Keeps the status of all TenantQuotas until `stop`, then finishes reconciles in flight.
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
        let counted = stop.run_until_cancelled(work.is_counted()).await;
        if counted.is_some() {
            control(&work, known, &stop).await;
        }
    };
    tokio::join!(follow, begin);
}

async fn control(work: &Arc<Work>, known: Writer<Readable<TenantQuota>>, stop: &CancellationToken) {
    let quotas: Api<Readable<TenantQuota>> = Api::all(work.context.client.clone());
    let specs = watcher(quotas, watcher::Config::default())
        .backoff(watch_backoff())
        .reflect(known)
        .applied_objects()
        .predicate_filter(predicates::generation, PredicateConfig::default());
    let (changed, reconcile_changed) = mpsc::unbounded_channel();
    let observers = async {
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
        .run(reconcile::reconcile, reconcile::retry, work.clone())
        .for_each(|done| async {
            if let Err(error) = done {
                tracing::warn!(%error, "failed to update the usage of a tenant");
            }
        });
    tokio::join!(controller, stop.run_until_cancelled(observers));
}
