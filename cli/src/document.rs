//! akili's own document of a tenant. Pure.

use akili_crds::condition::{find, is_true, types};
use akili_crds::tenant_quota::Usage;
use akili_crds::{Phase, Tenant, TenantQuota, TenantQuotaSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use serde::Serialize;
use serde_json::{Value, json};

/// A tenant as `tenant get --json` shows it.
#[derive(Debug, Serialize)]
pub struct Document {
    /// Null until the registry has assigned it.
    pub id: Option<String>,
    pub slug: String,
    pub display_name: String,
    pub status: Phase,
    /// RFC 3339.
    pub created_at: Option<String>,
    /// Null where there is no TenantQuota yet.
    pub quota: Option<Value>,
    /// A value that was not measured yet is absent.
    pub usage: Value,
    pub conditions: Vec<Condition>,
}

impl Document {
    /// Creates the document of a tenant and its quota.
    pub fn new(tenant: &Tenant, quota: Option<&TenantQuota>) -> Self {
        let status = tenant.status.clone().unwrap_or_default();
        let used = quota
            .and_then(|quota| quota.status.as_ref())
            .and_then(|status| status.used.as_ref());
        Self {
            id: status.id,
            slug: tenant.name_any(),
            display_name: tenant.spec.display_name.clone(),
            status: tenant.phase(),
            created_at: tenant.creation_timestamp().map(|time| time.0.to_string()),
            quota: quota.map(|quota| limits(&quota.spec)),
            usage: used.map_or_else(|| json!({}), usage),
            conditions: status.conditions,
        }
    }

    /// Returns the five lines of `tenant get`.
    pub fn lines(&self) -> String {
        format!(
            "ID: {}\nSlug: {}\nDisplay Name: {}\nStatus: {}\nCreated: {}",
            self.id.as_deref().unwrap_or("-"),
            self.slug,
            self.display_name,
            self.status,
            self.created_at.as_deref().unwrap_or("-"),
        )
    }

    /// Returns true if every plane has reached what the tenant's spec wants.
    pub fn is_ready(&self) -> bool {
        is_true(&self.conditions, types::READY)
    }

    /// Returns the reason of `Ready`, or a dash.
    pub fn reason(&self) -> &str {
        let ready = find(&self.conditions, types::READY);
        ready.map_or("-", |condition| &condition.reason)
    }
}

/// Returns a tenant's limits in snake case.
pub fn limits(spec: &TenantQuotaSpec) -> Value {
    json!({
        "max_products": spec.max_products,
        "max_connections": spec.max_connections,
        "max_storage_gb": spec.max_storage_gb,
        "max_compute_cpu": spec.max_compute_cpu,
        "max_compute_memory_gb": spec.max_compute_memory_gb,
    })
}

/// Returns a tenant's usage in snake case. A value that was not measured yet is absent.
pub fn usage(used: &Usage) -> Value {
    let mut usage = json!({});
    for (key, value) in [
        ("products", used.products),
        ("connections", used.connections),
        ("storage_bytes", used.storage_bytes),
    ] {
        if let Some(value) = value {
            usage[key] = json!(value);
        }
    }
    for (key, compute) in [("pods", &used.pods), ("queries", &used.queries)] {
        if let Some(compute) = compute {
            usage[key] = json!({"cpu": compute.cpu, "memory_bytes": compute.memory_bytes});
        }
    }
    usage
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "550e8400-e29b-41d4-a716-446655440000";

    fn acme() -> Tenant {
        serde_json::from_value(json!({
            "apiVersion": "akili.io/v1alpha1", "kind": "Tenant",
            "metadata": {"name": "acme-corp", "creationTimestamp": "2026-03-16T10:00:00Z"},
            "spec": {"displayName": "Acme Corporation"},
            "status": {"phase": "ACTIVE", "id": ID},
        }))
        .unwrap()
    }

    #[test]
    fn tenant_is_five_lines() {
        assert_eq!(
            Document::new(&acme(), None).lines(),
            "ID: 550e8400-e29b-41d4-a716-446655440000\n\
             Slug: acme-corp\n\
             Display Name: Acme Corporation\n\
             Status: ACTIVE\n\
             Created: 2026-03-16T10:00:00Z"
        );
    }

    #[test]
    fn tenant_without_status_is_provisioning() {
        let mut tenant = acme();
        tenant.status = None;
        let document = Document::new(&tenant, None);
        assert_eq!((document.id, document.status), (None, Phase::Provisioning));
    }

    #[test]
    fn json_omits_usage_that_was_not_measured() {
        let quota: TenantQuota = serde_json::from_value(json!({
            "apiVersion": "akili.io/v1alpha1", "kind": "TenantQuota",
            "metadata": {"name": "acme-corp"}, "spec": {},
            "status": {"used": {"products": 3, "queries": {"cpu": 0.5, "memoryBytes": 7}}},
        }))
        .unwrap();
        let document = serde_json::to_value(Document::new(&acme(), Some(&quota))).unwrap();
        assert_eq!(document["quota"]["max_products"], 100);
        assert_eq!(
            document["usage"],
            json!({"products": 3, "queries": {"cpu": 0.5, "memory_bytes": 7}})
        );
        assert_eq!(document["status"], "ACTIVE");
    }
}
