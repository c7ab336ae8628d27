//! The operator at work: how its parts are put together.

use std::sync::Arc;

use akili_core::kubernetes::settings::Settings;
use akili_crds::Tenant;
use anyhow::Context as _;
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector;
use kube::runtime::reflector::Store;
use kube::runtime::reflector::store::Writer;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::admission::{Webhook, ca_bundle};
use crate::backend::driver::Driver;
use crate::backend::kafka::Kafka;
use crate::backend::kubernetes::Kubernetes;
use crate::backend::kubernetes::credentials::Secrets;
use crate::backend::object_store::ObjectStore;
use crate::backend::postgres::{Postgres, protection_loop};
use crate::backend::starrocks::{self, Catalog, ResourceGroup};
use crate::backend::{kafka, object_store, postgres};
use crate::backoff::Readable;
use crate::clients::Clients;
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
use akili_core::starrocks::catalog::properties::{ObjectStoreLocation, Template};

/// Works on all Tenants until the process is told to stop, or stands by until it can.
///
/// # Errors
/// What keeps it from beginning. What keeps it from working is in the log, and it
/// isn't ready meanwhile.
pub async fn run(config: &Config) -> anyhow::Result<()> {
    let stop = stop_on_signals()?;
    let addresses = Addresses {
        database: config.postgres.address()?,
        objects: config.object_store.address()?,
        kafka: config.kafka.address()?,
        starrocks: config.starrocks.address()?,
    };
    let metrics = Metrics::default();
    let kubeconfig = kube::Config::infer()
        .await
        .context("failed to connect to the API server")?;
    let client = metrics::counted(kubeconfig, metrics.clone())?;
    let clients = Clients::new(config, &metrics)?;
    let readiness = Readiness::default();
    let (known, writer) = reflector::store();
    let probes = listen(
        &config.http_address,
        health::routes(readiness.clone()).merge(metrics::routes(metrics.clone(), known.clone())),
    )
    .await?;

    // Kept by the webhook, in every replica.
    let counts = ObjectCounts::default();
    let webhook = Webhook::new(client.clone(), config, counts.clone(), metrics.clone())?;
    let webhook = tokio::spawn(webhook.serve(readiness.clone(), stop.clone()));

    let registry = Registry::new(clients.database.clone(), kube_system_uid(&client).await?);
    let registry = Arc::new(registry);
    let tenure = tokio::select! {
        // Ready while it stands by: it could take over.
        () = registry.stand_by(config.audit_interval, |ready| readiness.reconciles(ready)) => None,
        led = leader::lead(client.clone(), &config.namespace, config.lease_duration, &stop) => {
            led?
        }
    };
    if let Some(tenure) = tenure {
        metrics.leads();
        let worker = Worker {
            client,
            clients,
            registry,
            leadership: tenure.leadership.clone(),
            addresses,
            readiness,
            tenants: known,
            counts,
            metrics,
        };
        tokio::select! {
            // What has begun is ended before another may begin.
            () = worker.work(config, writer, stop.clone()) => tenure.end().await,
            // What has begun is given up: another may work on it already.
            () = tenure.lost() => {}
        }
    }
    // Whoever lost the lease ends too. What the API server still asks is answered first.
    stop.cancel();
    webhook.await??;
    // A probe that is being answered ends with the process.
    probes.abort();
    Ok(())
}

/// Where tenants find the backends.
struct Addresses {
    database: postgres::service_binding::ConnectionInfo,
    objects: object_store::service_binding::ConnectionInfo,
    kafka: kafka::service_binding::ConnectionInfo,
    starrocks: starrocks::service_binding::ConnectionInfo,
}

/// What the replica that leads works with.
struct Worker {
    client: kube::Client,
    clients: Clients,
    registry: Arc<Registry>,
    leadership: Leadership,
    addresses: Addresses,
    readiness: Readiness,
    tenants: Store<Readable<Tenant>>,
    counts: ObjectCounts,
    metrics: Metrics,
}

impl Worker {
    async fn work(self, config: &Config, known: Writer<Readable<Tenant>>, stop: CancellationToken) {
        let Self {
            client, metrics, ..
        } = self;
        let secrets = Secrets::new(client.clone(), self.addresses.database);
        let postgres = Arc::new(Postgres::new(
            self.clients.database,
            Arc::new(secrets),
            config.postgres.tenant_schemas.clone(),
        ));
        let template = Template {
            properties: config.starrocks.catalog.properties.clone(),
            object_store: ObjectStoreLocation {
                endpoint: self.addresses.objects.endpoint.clone(),
                region: self.addresses.objects.region.clone(),
                bucket: self.addresses.objects.bucket.clone(),
            },
        };
        // Catalogs have a copy of the key: whichever plane comes first makes it.
        let object_keys = Arc::new(Secrets::new(client.clone(), self.addresses.objects));
        let listing = Arc::new(self.clients.objects.clone());
        let loads = Arc::new(self.clients.starrocks.clone());
        let objects = ObjectStore::new(self.clients.objects, object_keys.clone());
        let kafka = Kafka::new(
            self.clients.kafka,
            Arc::new(Secrets::new(client.clone(), self.addresses.kafka)),
            self.registry.clone(),
            config.kafka.topics.clone(),
        );
        let resource_group = ResourceGroup::new(self.clients.starrocks.clone());
        let catalog = Catalog::new(
            self.clients.starrocks,
            Arc::new(Secrets::new(client.clone(), self.addresses.starrocks)),
            object_keys,
            template,
        );
        let settings = Settings {
            service_account: config.service_account.clone(),
            namespace: config.namespace.clone(),
            egress: config.egress.clone(),
        };
        let kubernetes = Arc::new(Kubernetes::new(client.clone(), settings));
        let recorder = Recorder::new(client.clone(), Reporter::from("akili-operator"));
        let usage = usage::context::Context {
            client: client.clone(),
            tenants: self.tenants,
            counts: self.counts,
            objects: listing,
            loads,
            leadership: self.leadership.clone(),
            recorder: recorder.clone(),
            metrics: metrics.clone(),
            concurrency: config.concurrency,
            audit_interval: config.audit_interval,
            measure_interval: config.object_store.measure_interval,
        };
        let context = Arc::new(Context {
            registry: self.registry.clone(),
            planes: vec![
                Arc::new(Driver::new(kubernetes.clone())),
                Arc::new(Driver::new(postgres.clone())),
                Arc::new(Driver::new(Arc::new(objects))),
                Arc::new(Driver::new(Arc::new(kafka))),
                Arc::new(Driver::new(Arc::new(catalog))),
                Arc::new(Driver::new(Arc::new(resource_group))),
            ],
            kubernetes,
            history: History::default(),
            leadership: self.leadership,
            recorder: recorder.clone(),
            metrics: metrics.clone(),
            retention: config.retention,
            audit_interval: config.audit_interval,
            client,
        });
        tokio::join!(
            self.registry.keep(
                config.audit_interval,
                |ready| self.readiness.reconciles(ready),
                stop.clone()
            ),
            ca_bundle::keep(context.client.clone(), config, stop.clone()),
            tenant::run(context.clone(), known, config.concurrency, stop.clone()),
            usage::run(usage, stop.clone()),
            protection_loop::run(
                postgres,
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
        format!("httpAddress {address} can't be listened on: choose another that is free")
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
