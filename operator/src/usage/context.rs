//! Dependencies of the TenantQuota controller, and everything that it has observed.

use std::sync::Arc;
use std::time::Duration;

use akili_crds::admission::Kind;
use akili_crds::tenant_quota::Usage;
use akili_crds::{Phase, Tenant, TenantQuota, lifecycle};
use kube::runtime::events::Recorder;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Client, ResourceExt};

use super::state::{Measurements, Pods, Queries};
use crate::backend::TenantKey;
use crate::backend::object_store::measure::Listing;
use crate::backend::starrocks::usage::Loads;
use crate::backoff::Readable;
use crate::leader::Leadership;
use crate::metrics::Metrics;
use crate::object_counts::ObjectCounts;

/// Clients and settings of the TenantQuota controller.
pub struct Context {
    /// The API server, as the operator's own ServiceAccount.
    pub client: Client,
    /// The Tenants, as the Tenant controller's cache has them.
    pub tenants: Store<Readable<Tenant>>,
    /// How many products and connections each namespace has.
    pub counts: ObjectCounts,
    /// Lists what tenants store.
    pub objects: Arc<dyn Listing>,
    /// Reads what queries use.
    pub loads: Arc<dyn Loads>,
    /// Ends all work when this process loses the Lease.
    pub leadership: Leadership,
    /// Publishes warnings as Events.
    pub recorder: Recorder,
    /// The operator's metrics.
    pub metrics: Metrics,
    /// How many quotas are reconciled at the same time.
    pub concurrency: u16,
    /// How often queries are polled, and the base of the requeue interval.
    pub audit_interval: Duration,
    /// How often a tenant's storage is measured.
    pub measure_interval: Duration,
}

/// The context and everything that was observed so far.
pub(crate) struct Work {
    pub context: Context,
    pub quotas: Store<Readable<TenantQuota>>,
    pub pods: Pods,
    pub queries: Queries,
    pub storage: Measurements,
}

impl Work {
    /// Waits until every cache was filled once: before that, an object that isn't known yet would
    /// be taken for absent.
    pub async fn is_counted(&self) {
        // The cache's writer is dropped only when the process stops.
        let _ = self.context.tenants.wait_until_ready().await;
        self.pods.are_known().await;
        while !self.context.counts.is_filled() {
            self.context.counts.changed().await;
        }
    }

    /// Returns the tenant of this name, if it has its id and isn't purged.
    pub fn tenant(&self, slug: &str) -> Option<TenantKey> {
        let tenant = self.context.tenants.get(&ObjectRef::new(slug))?;
        let tenant = tenant.0.as_ref().ok()?;
        TenantKey::of(tenant).filter(|_| !tenant.is_purged())
    }

    /// Returns what is counted in the tenant's namespace, and what its queries use.
    pub fn used(&self, key: &TenantKey) -> Usage {
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

    /// Returns whether there is a tenant that isn't archived.
    pub fn has_tenants(&self) -> bool {
        let tenants = self.context.tenants.state();
        let mut slugs = tenants.iter().map(|tenant| tenant.name_any());
        slugs.any(|slug| self.measurable(&slug).is_some())
    }

    /// Returns the tenant of this name, if it has its id and isn't archived: the usage of an
    /// archived tenant doesn't change.
    pub fn measurable(&self, slug: &str) -> Option<TenantKey> {
        let tenant = self.context.tenants.get(&ObjectRef::new(slug))?;
        let tenant = tenant.0.as_ref().ok()?;
        let effective = lifecycle::effective(tenant.spec.state, tenant.phase());
        TenantKey::of(tenant).filter(|_| effective != Phase::Archived)
    }
}
