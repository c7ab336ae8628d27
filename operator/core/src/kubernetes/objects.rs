//! Desired objects of a tenant. Pure.

use akili_crds::names::{LABEL_STATE, LABEL_TENANT, LABEL_TENANT_ID};
use akili_crds::quantity::{format_count, format_gb};
use akili_crds::quota::{DEFAULT_CPU, DEFAULT_MEMORY};
use akili_crds::{Phase, TenantQuotaSpec};
use k8s_openapi::api::core::v1::{LimitRange, Namespace, ResourceQuota};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, RoleBinding};
use kube::Resource;
use kube::core::ApiResource;
use serde_json::{Value, json};

use super::model::{Manifest, ObjectRef};
use super::settings::Settings;
use crate::{Desired, TenantKey};

const RBAC_GROUP: &str = "rbac.authorization.k8s.io";

/// Presence of an object in a state of the tenant.
pub enum Rule {
    /// The object exists, with these fields.
    Present(Manifest),
    /// The object does not exist.
    Absent(ObjectRef),
}

/// Returns the rules for the tenant's objects, in the order in which they are applied.
pub fn rules(settings: &Settings, tenant: &TenantKey, desired: &Desired) -> Vec<Rule> {
    let (open, readable, limits) = match desired {
        Desired::Writable { limits, .. } => (true, true, Some(limits)),
        Desired::ReadOnly(limits) => (false, true, Some(limits)),
        Desired::NoAccess | Desired::Absent => (false, false, None),
    };
    let group_binding = |role: &str, present: bool| {
        let binding = object_ref::<RoleBinding>(Some(tenant.id.namespace()), role);
        if present {
            let subject =
                json!({"kind": "Group", "apiGroup": RBAC_GROUP, "name": tenant.id.group()});
            Rule::Present(role_binding(tenant, binding, role, subject))
        } else {
            Rule::Absent(binding)
        }
    };
    vec![
        Rule::Present(namespace(tenant, desired)),
        // Everything after this needs the rights that the binding grants.
        Rule::Present(operator_binding(settings, tenant)),
        Rule::Present(resource_quota(tenant, limits, open)),
        Rule::Present(limit_range(tenant)),
        Rule::Present(network_policy(settings, tenant)),
        Rule::Present(cluster_role(tenant)),
        Rule::Present(cluster_role_binding(tenant)),
        group_binding("akili-tenant-reader", readable),
        group_binding("akili-tenant-author", readable),
        group_binding("akili-tenant-writer", open),
    ]
}

/// Returns the tenant's ResourceQuota.
pub fn quota_ref(tenant: &TenantKey) -> ObjectRef {
    object_ref::<ResourceQuota>(Some(tenant.id.namespace()), "akili")
}

/// Returns the tenant's namespace.
pub fn namespace_ref(tenant: &TenantKey) -> ObjectRef {
    object_ref::<Namespace>(None, &tenant.id.namespace())
}

/// Returns the namespace with a state label, which admission checks.
pub fn namespace_manifest(tenant: &TenantKey, state: Phase) -> Manifest {
    manifest(
        namespace_ref(tenant),
        json!({"labels": {
            LABEL_TENANT: tenant.slug.as_str(),
            LABEL_TENANT_ID: tenant.id.to_string(),
            LABEL_STATE: state.as_str(),
            "pod-security.kubernetes.io/enforce": "restricted",
        }}),
        json!({}),
    )
}

/// Returns the namespace. Its state closes together with the other objects, and opens
/// separately, once every plane is open and the phase is reached.
fn namespace(tenant: &TenantKey, desired: &Desired) -> Manifest {
    let state = match desired {
        Desired::Writable { reached, .. } => *reached,
        Desired::ReadOnly(_) => Phase::Suspended,
        Desired::NoAccess | Desired::Absent => Phase::Archived,
    };
    namespace_manifest(tenant, state)
}

fn operator_binding(settings: &Settings, tenant: &TenantKey) -> Manifest {
    let role = "akili-operator-tenant";
    let subject = json!({
        "kind": "ServiceAccount",
        "name": settings.service_account,
        "namespace": settings.namespace,
    });
    role_binding(
        tenant,
        object_ref::<RoleBinding>(Some(tenant.id.namespace()), role),
        role,
        subject,
    )
}

fn role_binding(tenant: &TenantKey, object: ObjectRef, role: &str, subject: Value) -> Manifest {
    let role = json!({"apiGroup": RBAC_GROUP, "kind": "ClusterRole", "name": role});
    manifest(
        object,
        tenant_label(tenant),
        json!({"roleRef": role, "subjects": [subject]}),
    )
}

/// Returns the ResourceQuota, which enforces limits if the webhook misses an object. Without
/// limits (archived) everything is 0.
fn resource_quota(tenant: &TenantKey, limits: Option<&TenantQuotaSpec>, open: bool) -> Manifest {
    let max = |limit: fn(&TenantQuotaSpec) -> i64| limits.map_or(0, limit);
    let mut hard = json!({
        "count/dataproducts.akili.io": format_count(max(|l| l.max_products)),
        "count/connections.akili.io": format_count(max(|l| l.max_connections)),
        "limits.cpu": format_count(max(|l| l.max_compute_cpu)),
        "limits.memory": format_gb(max(|l| l.max_compute_memory_gb)),
    });
    if !open {
        hard["pods"] = json!("0");
    }
    let quota = manifest(
        quota_ref(tenant),
        tenant_label(tenant),
        json!({"spec": {"hard": hard}}),
    );
    let forbidden = if open {
        vec!["/spec/hard/pods"]
    } else {
        vec![]
    };
    Manifest { forbidden, ..quota }
}

/// Returns the defaults of pods without requests and limits, so that the quota can count them.
fn limit_range(tenant: &TenantKey) -> Manifest {
    manifest(
        object_ref::<LimitRange>(Some(tenant.id.namespace()), "akili"),
        tenant_label(tenant),
        json!({"spec": {"limits": [{
            "type": "Container",
            "default": {"cpu": DEFAULT_CPU, "memory": DEFAULT_MEMORY},
            "defaultRequest": {"cpu": "100m", "memory": "128Mi"},
        }]}}),
    )
}

/// Returns the NetworkPolicy: no ingress, and egress only to DNS and to what the platform
/// allows.
fn network_policy(settings: &Settings, tenant: &TenantKey) -> Manifest {
    let egress: Vec<Value> = settings
        .egress
        .iter()
        .map(|allowed| {
            let ports: Vec<Value> = allowed
                .ports
                .iter()
                .map(|port| json!({"protocol": "TCP", "port": port}))
                .collect();
            json!({"to": [{"ipBlock": {"cidr": allowed.cidr}}], "ports": ports})
        })
        .chain(std::iter::once(json!({
            "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}],
            "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
        })))
        .collect();
    manifest(
        object_ref::<NetworkPolicy>(Some(tenant.id.namespace()), "akili"),
        tenant_label(tenant),
        json!({"spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "egress": egress}}),
    )
}

/// Returns the role that lets the tenant's users read their own Namespace, Tenant and
/// TenantQuota.
fn cluster_role(tenant: &TenantKey) -> Manifest {
    let slug = tenant.slug.as_str();
    manifest(
        object_ref::<ClusterRole>(None, &tenant.id.cluster_role()),
        tenant_label(tenant),
        json!({"rules": [
            {"apiGroups": [""], "resources": ["namespaces"],
             "resourceNames": [tenant.id.namespace()], "verbs": ["get"]},
            {"apiGroups": ["akili.io"], "resources": ["tenants", "tenantquotas"],
             "resourceNames": [slug], "verbs": ["get"]},
        ]}),
    )
}

fn cluster_role_binding(tenant: &TenantKey) -> Manifest {
    let name = tenant.id.cluster_role();
    manifest(
        object_ref::<ClusterRoleBinding>(None, &name),
        tenant_label(tenant),
        json!({
            "roleRef": {"apiGroup": RBAC_GROUP, "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "Group", "apiGroup": RBAC_GROUP, "name": tenant.id.group()}],
        }),
    )
}

/// Returns metadata with the label that marks an object as the tenant's.
fn tenant_label(tenant: &TenantKey) -> Value {
    json!({"labels": {LABEL_TENANT_ID: tenant.id.to_string()}})
}

/// Returns the objects that a tenant has in any state.
pub fn object_refs(settings: &Settings, tenant: &TenantKey) -> Vec<ObjectRef> {
    let any_state = Desired::ReadOnly(TenantQuotaSpec::default());
    let object = |rule| match rule {
        Rule::Present(manifest) => manifest.object,
        Rule::Absent(object) => object,
    };
    let rules = rules(settings, tenant, &any_state).into_iter();
    rules.map(object).collect()
}

fn object_ref<K: Resource<DynamicType = ()>>(namespace: Option<String>, name: &str) -> ObjectRef {
    ObjectRef {
        resource: ApiResource::erase::<K>(&()),
        namespace,
        name: name.to_owned(),
    }
}

fn manifest(object: ObjectRef, mut metadata: Value, mut fields: Value) -> Manifest {
    metadata["name"] = json!(object.name);
    if let Some(namespace) = &object.namespace {
        metadata["namespace"] = json!(namespace);
    }
    fields["apiVersion"] = json!(object.resource.api_version);
    fields["kind"] = json!(object.resource.kind);
    fields["metadata"] = metadata;
    Manifest {
        object,
        fields,
        forbidden: vec![],
    }
}
