//! Dependencies of the Tenant controller, and the write of its status.

use std::sync::Arc;
use std::time::Duration;

use akili_crds::tenant::Resources;
use akili_crds::{Tenant, TenantStatus};
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::events::Recorder;
use kube::{Client, Resource, ResourceExt};
use serde_json::json;

use super::history::History;
use super::registry::Rows;
use crate::backend::kubernetes::{FIELD_MANAGER, Kubernetes};
use crate::backend::{Plane, TenantKey};
use crate::error::{Error, api_server};
use crate::leader::Leadership;
use crate::metrics::Metrics;

/// Clients and settings of the Tenant controller.
pub struct Context {
    /// The API server, as the operator's own ServiceAccount.
    pub client: Client,
    /// Decides ids and states.
    pub registry: Arc<dyn Rows>,
    /// Opens a tenant's namespace.
    pub kubernetes: Arc<Kubernetes>,
    /// All planes; Kubernetes is the first, since it holds the others' credentials.
    pub planes: Vec<Arc<dyn Plane>>,
    /// Desired state that each plane converged to last.
    pub history: History,
    /// Ends all work when this process loses the Lease.
    pub leadership: Leadership,
    /// Publishes Events.
    pub recorder: Recorder,
    /// The operator's metrics.
    pub metrics: Metrics,
    /// How long an archived tenant's data is kept if `spec.retention` is absent.
    pub retention: Duration,
    /// How often all tenants are checked for drift.
    pub audit_interval: Duration,
}

impl Context {
    /// Returns the tenant's names in every plane.
    pub fn resources(&self, key: &TenantKey) -> Resources {
        let mut resources = Resources::default();
        for plane in &self.planes {
            plane.name_resources(key, &mut resources);
        }
        resources
    }

    /// Writes the status by one server-side apply; writes nothing if it is unchanged.
    pub async fn write_status(&self, tenant: &Tenant, status: &TenantStatus) -> Result<(), Error> {
        if tenant.status.as_ref() == Some(status) {
            return Ok(());
        }
        let tenants: Api<Tenant> = Api::all(self.client.clone());
        let patch = json!({
            "apiVersion": Tenant::api_version(&()),
            "kind": Tenant::kind(&()),
            "status": status,
        });
        let params = PatchParams::apply(FIELD_MANAGER).force();
        tenants
            .patch_status(&tenant.name_any(), &params, &Patch::Apply(&patch))
            .await
            .map_err(api_server)?;
        Ok(())
    }
}
