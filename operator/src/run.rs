//! The running operator: starts the webhook, waits for the lease, and runs the controllers.

use std::sync::Arc;

use akili_crds::Tenant;
use anyhow::Context as _;
use kube::Client;
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector;
use kube::runtime::reflector::Store;
use kube::runtime::reflector::store::Writer;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::admission::{Webhook, ca_bundle};
use crate::backend::postgres::protection_loop;
use crate::backend::registry::Backends;
use crate::backend::setup::Setup;
use crate::backoff::{Readable, once_reachable};
use crate::config::Config;
use crate::health::{self, Readiness};
use crate::leader::{self, Leadership};
use crate::metrics::{self, Metrics};
use crate::object_counts::ObjectCounts;
use crate::tenant::context::Context;
use crate::tenant::history::History;
use crate::tenant::registry::Registry;
use crate::tenant::registry::owner::kube_system_uid;
use crate::{tenant, usage};

/// Reconciles all Tenants while this process holds the lease, and stands by until then; ends on
/// SIGTERM and SIGINT, or when the lease is lost.
///
/// # Errors
/// The operator can't start. Later failures are logged, and the process isn't ready meanwhile.
pub async fn run(config: &Config) -> anyhow::Result<()> {
    let stop = stop_on_signals()?;
    let metrics = Metrics::default();
    let kubeconfig = kube::Config::infer()
        .await
        .context("failed to connect to the API server")?;
    let client = metrics::counted(kubeconfig, metrics.clone())?;
    let backends = Backends::build(Setup {
        config,
        kubernetes: &client,
        metrics: &metrics,
    })?;
    let readiness = Readiness::default();
    let (tenants, writer) = reflector::store();
    let probes = listen(
        &config.http_address,
        health::routes(readiness.clone()).merge(metrics::routes(metrics.clone(), tenants.clone())),
    )
    .await?;

    // Every replica serves the webhook, which fills the counts.
    let counts = ObjectCounts::default();
    let webhook = Webhook::new(client.clone(), config, counts.clone(), metrics.clone())?;
    let webhook = tokio::spawn(webhook.serve(readiness.clone(), stop.clone()));

    let database = backends.postgres.client().clone();
    let uid = stop.run_until_cancelled(once_reachable(async || kube_system_uid(&client).await));
    let Some(uid) = uid.await else { return Ok(()) };
    let registry = Arc::new(Registry::new(database, uid?));
    let tenure = tokio::select! {
        // A replica that stands by is ready if it could take over.
        () = registry.stand_by(config.audit_interval, |ready| readiness.reconciles(ready)) => None,
        led = once_reachable(async || {
            leader::lead(client.clone(), &config.namespace, config.lease_duration, &stop).await
        }) => led?,
    };
    if let Some(tenure) = tenure {
        metrics.leads();
        let leader = Leader {
            config,
            client,
            backends,
            registry,
            leadership: tenure.leadership.clone(),
            readiness,
            tenants,
            counts,
            metrics,
        };
        tokio::select! {
            // Reconciles in flight finish before another replica may lead.
            () = leader.work(writer, stop.clone()) => tenure.end().await,
            // Reconciles in flight are dropped: another replica may lead already.
            () = tenure.lost() => {}
        }
    }
    // A process that lost the lease ends too. Requests to the webhook are answered first.
    stop.cancel();
    webhook.await??;
    // A probe in flight ends with the process.
    probes.abort();
    Ok(())
}

/// The replica that holds the lease.
struct Leader<'a> {
    config: &'a Config,
    client: Client,
    backends: Backends,
    registry: Arc<Registry>,
    leadership: Leadership,
    readiness: Readiness,
    tenants: Store<Readable<Tenant>>,
    counts: ObjectCounts,
    metrics: Metrics,
}

impl Leader<'_> {
    /// Runs the controllers until `stop`.
    async fn work(self, writer: Writer<Readable<Tenant>>, stop: CancellationToken) {
        let Self {
            config,
            client,
            backends,
            metrics,
            ..
        } = self;
        let recorder = Recorder::new(client.clone(), Reporter::from("akili-operator"));
        let planes = backends.planes();
        let usage = usage::context::Context {
            client: client.clone(),
            tenants: self.tenants,
            counts: self.counts,
            objects: backends.listing,
            loads: backends.loads,
            leadership: self.leadership.clone(),
            recorder: recorder.clone(),
            metrics: metrics.clone(),
            concurrency: config.concurrency,
            audit_interval: config.audit_interval,
            measure_interval: config.object_store.measure_interval,
        };
        let context = Arc::new(Context {
            client: client.clone(),
            registry: self.registry.clone(),
            kubernetes: backends.kubernetes,
            planes,
            history: History::default(),
            leadership: self.leadership,
            recorder: recorder.clone(),
            metrics: metrics.clone(),
            retention: config.retention,
            audit_interval: config.audit_interval,
        });
        tokio::join!(
            self.registry.keep(
                config.audit_interval,
                |ready| self.readiness.reconciles(ready),
                stop.clone()
            ),
            ca_bundle::keep(client, config, stop.clone()),
            tenant::run(context, writer, config.concurrency, stop.clone()),
            usage::run(usage, stop.clone()),
            protection_loop::run(
                backends.postgres,
                recorder,
                metrics,
                config.namespace.clone(),
                config.audit_interval,
                stop.clone()
            ),
        );
    }
}

async fn listen(
    address: &str,
    routes: axum::Router,
) -> anyhow::Result<tokio::task::JoinHandle<std::io::Result<()>>> {
    let listener = TcpListener::bind(address).await;
    let listener = listener.with_context(|| {
        format!("can't listen on httpAddress {address}: choose an address that is free")
    })?;
    Ok(tokio::spawn(axum::serve(listener, routes).into_future()))
}

fn stop_on_signals() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let stopped = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("shutting down: finishing reconciles in flight");
        stopped.cancel();
    });
    Ok(stop)
}
