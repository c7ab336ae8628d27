//! The facts that the rules need: read live where they must be current, else from caches.

use std::fmt::Debug;
use std::time::Duration;

use akili_crds::admission::{Facts, Kind, Request, decide};
use akili_crds::names::{LABEL_TENANT, LABEL_TENANT_ID};
use akili_crds::tenant_quota::Usage;
use akili_crds::{Connection, DataProduct, Problem, Tenant, TenantQuota};
use futures::StreamExt;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Namespace;
use kube::core::PartialObjectMeta;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Resource, ResourceExt};

use super::review::Verdict;
use crate::backoff::watch_backoff;
use crate::error::{Error, api_server};
use crate::object_counts::ObjectCounts;

/// Shorter than the five seconds after which the API server gives up: it shows people this webhook's
/// reason then.
const TIMEOUT: Duration = Duration::from_secs(4);

type Named = PartialObjectMeta<Namespace>;

/// The sources of the facts.
pub struct Source {
    client: Client,
    counts: ObjectCounts,
    namespaces: Store<Named>,
}

impl Source {
    /// Creates a source, and the future that keeps its namespaces up to date and never returns.
    pub fn new(client: Client, counts: ObjectCounts) -> (Self, impl Future<Output = ()>) {
        let (namespaces, writer) = reflector::store();
        let tenants = watcher::Config::default().labels(LABEL_TENANT_ID);
        let events = watcher::watcher(Api::<Named>::all(client.clone()), tenants)
            .backoff(watch_backoff())
            .modify(|namespace| {
                namespace.managed_fields_mut().clear();
                namespace.annotations_mut().clear();
            })
            .reflect(writer);
        let keep = events.for_each(|event| {
            if let Err(error) = event {
                tracing::warn!(%error, "failed to watch the namespaces of tenants");
            }
            std::future::ready(())
        });
        let source = Self {
            client,
            counts,
            namespaces,
        };
        (source, keep)
    }

    /// Waits until every cache was filled once.
    pub async fn filled(&self) {
        // The cache's writer is dropped only when the process stops.
        let _ = self.namespaces.wait_until_ready().await;
        while !self.counts.is_filled() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Decides a request, in at most [`TIMEOUT`].
    pub async fn judge(&self, request: &Request<'_>) -> Verdict {
        match tokio::time::timeout(TIMEOUT, self.decide(request)).await {
            Ok(Ok(Ok(()))) => Verdict::Allowed,
            Ok(Ok(Err(problem))) => Verdict::Refused(problem),
            Ok(Err(error)) => Verdict::Undecided(error.message),
            Err(_) => Verdict::Undecided("the API server doesn't answer".into()),
        }
    }

    async fn decide(&self, request: &Request<'_>) -> Result<Result<(), Problem>, Error> {
        let slug = self.slug(request.namespace).await?;
        let (tenant, quota, exists) = tokio::try_join!(
            self.tenant(slug.as_deref()),
            self.quota(slug.as_deref()),
            self.exists(request),
        )?;
        let count = |kind| Some(self.counts.of(kind, request.namespace));
        let measured = quota
            .as_ref()
            .and_then(|it| it.status.as_ref()?.used.clone());
        let used = Usage {
            products: count(Kind::DataProduct),
            connections: count(Kind::Connection),
            ..measured.unwrap_or_default()
        };
        let facts = Facts {
            tenant: tenant.as_ref(),
            // The operator creates an absent quota with the defaults.
            limits: &quota.map(|quota| quota.spec).unwrap_or_default(),
            used: &used,
            exists,
        };
        Ok(decide(request, &facts))
    }

    /// Returns the slug of the tenant that the namespace belongs to; none if there is no such
    /// tenant. A namespace that isn't in the cache yet is read live. A cached one needs no live
    /// read: a namespace never passes to another tenant.
    async fn slug(&self, namespace: &str) -> Result<Option<String>, Error> {
        let slug = |namespace: &Named| namespace.labels().get(LABEL_TENANT).cloned();
        if let Some(known) = self.namespaces.get(&ObjectRef::new(namespace)) {
            return Ok(slug(&known));
        }
        let namespaces = Api::<Named>::all(self.client.clone());
        let found = namespaces.get_opt(namespace).await.map_err(api_server)?;
        let of_tenant = found.filter(|it| it.labels().contains_key(LABEL_TENANT_ID));
        Ok(of_tenant.as_ref().and_then(slug))
    }

    /// Reads live: a suspension counts from the moment when it is requested.
    async fn tenant(&self, slug: Option<&str>) -> Result<Option<Tenant>, Error> {
        let Some(slug) = slug else { return Ok(None) };
        let tenants = Api::<Tenant>::all(self.client.clone());
        tenants.get_opt(slug).await.map_err(api_server)
    }

    /// Reads live: this takes no longer than reading the Tenant, and a watch in every replica would
    /// cost more than it saves.
    async fn quota(&self, slug: Option<&str>) -> Result<Option<TenantQuota>, Error> {
        let Some(slug) = slug else { return Ok(None) };
        let quotas = Api::<TenantQuota>::all(self.client.clone());
        quotas.get_opt(slug).await.map_err(api_server)
    }

    /// Returns whether the name of a new object is taken. An object in the counts is confirmed live:
    /// deleted a moment ago, its name is free again.
    async fn exists(&self, request: &Request<'_>) -> Result<bool, Error> {
        let Request {
            kind,
            namespace,
            name,
            ..
        } = *request;
        if request.old.is_some() || !self.counts.contains(kind, namespace, name) {
            return Ok(false);
        }
        match kind {
            Kind::DataProduct => self.is_there::<DataProduct>(namespace, name).await,
            Kind::Connection => self.is_there::<Connection>(namespace, name).await,
        }
    }

    async fn is_there<K>(&self, namespace: &str, name: &str) -> Result<bool, Error>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug,
    {
        let objects = Api::<PartialObjectMeta<K>>::namespaced(self.client.clone(), namespace);
        Ok(objects.get_opt(name).await.map_err(api_server)?.is_some())
    }
}
