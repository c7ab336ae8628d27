//! The Tenant controller: watches Tenants and reconciles each one.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`mod@reconcile`] | the story of one reconcile: start reading here |
//! | [`mod@gather`], [`mod@limits`] | reads what a reconcile works from: key, registry row, limits |
//! | [`registry`] | the row in PostgreSQL that decides a tenant's id, state and times |
//! | [`mod@desired`] | the desired state of every plane; pure |
//! | [`mod@converge`] | converges every plane |
//! | [`status`] | the next status; pure |
//! | [`events`] | what is published as Events |
//! | [`history`] | what each plane converged to last, to distinguish repairs from other changes |
//! | [`requeue`] | when a tenant is reconciled next |
//! | [`purge`] | deletes an archived tenant's data |
//! | [`guard`] | the live check before access changes or data is deleted |
//! | [`audit`] | finds drifted tenants, all of them in one pass |

mod audit;
pub mod context;
mod converge;
mod desired;
mod events;
mod gather;
mod guard;
pub mod history;
mod limits;
mod purge;
mod reconcile;
pub mod registry;
mod requeue;
mod retention;
mod status;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use akili_crds::Tenant;
use futures::StreamExt;
use kube::ResourceExt;
use kube::api::Api;
use kube::runtime::controller::{Config, Controller};
use kube::runtime::reflector::ObjectRef;
use kube::runtime::reflector::store::Writer;
use kube::runtime::{Predicate as _, PredicateConfig, WatchStreamExt, predicates, watcher};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::sync::CancellationToken;

use crate::backoff::{Readable, watch_backoff};
use context::Context;

/// Reconciles all Tenants until `stop`, then finishes reconciles in flight. `known` is the cache
/// of all Tenants, which other parts of the operator read.
pub async fn run(
    context: Arc<Context>,
    known: Writer<Readable<Tenant>>,
    concurrency: u16,
    stop: CancellationToken,
) {
    let tenants: Api<Readable<Tenant>> = Api::all(context.client.clone());
    let cache = known.as_reader();
    let (drifted, reconcile_drifted) = mpsc::unbounded_channel();
    let audit = audit::run(&context, cache.clone(), drifted, stop.clone());
    // A change of the status alone is no reason to reconcile.
    let specs = watcher(tenants, watcher::Config::default())
        .reflect(known)
        .applied_objects()
        .predicate_filter(
            predicates::generation.combine(predicates::annotations),
            PredicateConfig::default(),
        );
    let stopped = async move { stop.cancelled().await };
    let controller = Controller::for_stream(specs, cache)
        .watches_stream(limits::watch(context.client.clone()), |quota| {
            Some(ObjectRef::new(&quota.name_any()))
        })
        .reconcile_on(UnboundedReceiverStream::new(reconcile_drifted))
        .with_config(Config::default().concurrency(concurrency))
        .trigger_backoff(watch_backoff())
        .graceful_shutdown_on(stopped)
        .run(reconcile::reconcile, requeue::after_error, context.clone())
        .for_each(|done| async {
            if let Err(error) = done {
                tracing::warn!(%error, "reconcile failed");
            }
        });
    tokio::join!(controller, audit);
}
