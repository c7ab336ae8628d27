//! The objects that make a tenant in Kubernetes. Pure.

use akili_crds::names::{LABEL_STATE, LABEL_TENANT, LABEL_TENANT_ID};
use akili_crds::quota::{DEFAULT_CPU, DEFAULT_MEMORY};
use akili_crds::{Phase, TenantQuotaSpec};
use k8s_openapi::api::core::v1::{LimitRange, Namespace, ResourceQuota};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, RoleBinding};
use kube::Resource;
use kube::core::ApiResource;
use serde_json::{Value, json};

use super::Settings;
use crate::backend::{Desired, TenantKey};

const RBAC_GROUP: &str = "rbac.authorization.k8s.io";

/// Where an object is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// What kind of object.
    pub resource: ApiResource,
    /// Its namespace; none for what belongs to the cluster.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

/// An object as it is wanted: the fields that matter, all others are somebody else's.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Where it is.
    pub place: Place,
    /// The fields, with `apiVersion`, `kind` and `metadata`.
    pub fields: Value,
    /// JSON pointers to what must not be there.
    pub without: Vec<&'static str>,
}

/// An object that may or may not be wanted in the tenant's present state.
pub enum Rule {
    /// It is there, with these fields.
    Present(Wanted),
    /// It isn't there.
    Absent(Place),
}

/// What is to be there and what isn't, in the order in which to make it so.
pub fn rules(settings: &Settings, tenant: &TenantKey, desired: &Desired) -> Vec<Rule> {
    let (open, readable, limits) = match desired {
        Desired::Writable { limits, .. } => (true, true, Some(limits)),
        Desired::ReadOnly(limits) => (false, true, Some(limits)),
        Desired::NoAccess | Desired::Absent => (false, false, None),
    };
    let group = |role: &str, wanted: bool| {
        let place = place::<RoleBinding>(Some(tenant.id.namespace()), role);
        if wanted {
            let subject =
                json!({"kind": "Group", "apiGroup": RBAC_GROUP, "name": tenant.id.group()});
            Rule::Present(role_binding(tenant, place, role, subject))
        } else {
            Rule::Absent(place)
        }
    };
    vec![
        Rule::Present(namespace(tenant, desired)),
        // What follows needs the rights that this binding gives.
        Rule::Present(operator_binding(settings, tenant)),
        Rule::Present(resource_quota(tenant, limits, open)),
        Rule::Present(limit_range(tenant)),
        Rule::Present(network_policy(settings, tenant)),
        Rule::Present(own_role(tenant)),
        Rule::Present(own_role_binding(tenant)),
        group("akili-tenant-reader", readable),
        group("akili-tenant-author", readable),
        group("akili-tenant-writer", open),
    ]
}

/// The tenant's ResourceQuota.
pub fn quota_place(tenant: &TenantKey) -> Place {
    place::<ResourceQuota>(Some(tenant.id.namespace()), "akili")
}

/// The tenant's namespace.
pub fn namespace_place(tenant: &TenantKey) -> Place {
    place::<Namespace>(None, &tenant.id.namespace())
}

/// The namespace with the label that admission goes by.
pub fn namespace_in(tenant: &TenantKey, state: Phase) -> Wanted {
    wanted(
        namespace_place(tenant),
        json!({"labels": {
            LABEL_TENANT: tenant.slug.as_str(),
            LABEL_TENANT_ID: tenant.id.to_string(),
            LABEL_STATE: state.as_str(),
            "pod-security.kubernetes.io/enforce": "restricted",
        }}),
        json!({}),
    )
}

/// Closing happens with the other objects; opening is done by itself, once every
/// plane is open and the phase is reached.
fn namespace(tenant: &TenantKey, desired: &Desired) -> Wanted {
    let state = match desired {
        Desired::Writable { reached, .. } => *reached,
        Desired::ReadOnly(_) => Phase::Suspended,
        Desired::NoAccess | Desired::Absent => Phase::Archived,
    };
    namespace_in(tenant, state)
}

fn operator_binding(settings: &Settings, tenant: &TenantKey) -> Wanted {
    let role = "akili-operator-tenant";
    let subject = json!({
        "kind": "ServiceAccount",
        "name": settings.service_account,
        "namespace": settings.namespace,
    });
    role_binding(
        tenant,
        place::<RoleBinding>(Some(tenant.id.namespace()), role),
        role,
        subject,
    )
}

fn role_binding(tenant: &TenantKey, place: Place, role: &str, subject: Value) -> Wanted {
    let role = json!({"apiGroup": RBAC_GROUP, "kind": "ClusterRole", "name": role});
    wanted(
        place,
        mark(tenant),
        json!({"roleRef": role, "subjects": [subject]}),
    )
}

/// The backstop behind the webhook. Without limits (archived) everything is 0.
fn resource_quota(tenant: &TenantKey, limits: Option<&TenantQuotaSpec>, open: bool) -> Wanted {
    let of = |limit: fn(&TenantQuotaSpec) -> i64| limits.map_or(0, limit);
    let mut hard = json!({
        "count/dataproducts.akili.io": number(of(|l| l.max_products)),
        "count/connections.akili.io": number(of(|l| l.max_connections)),
        "limits.cpu": number(of(|l| l.max_compute_cpu)),
        "limits.memory": gibibytes(of(|l| l.max_compute_memory_gb)),
    });
    if !open {
        hard["pods"] = json!("0");
    }
    let quota = wanted(
        quota_place(tenant),
        mark(tenant),
        json!({"spec": {"hard": hard}}),
    );
    let without = if open {
        vec!["/spec/hard/pods"]
    } else {
        vec![]
    };
    Wanted { without, ..quota }
}

/// A quantity as the API server writes it: 1000 is `1k`.
fn number(count: i64) -> String {
    canonical(count, 1000, &["", "k", "M", "G", "T", "P", "E"])
}

/// A quantity as the API server writes it: 1024 GB of 2^30 bytes are `1Ti`.
fn gibibytes(count: i64) -> String {
    match count {
        0 => "0".to_owned(),
        _ => canonical(count, 1024, &["Gi", "Ti", "Pi", "Ei"]),
    }
}

fn canonical(count: i64, base: i64, suffixes: &[&str]) -> String {
    match suffixes {
        [_, larger @ ..] if !larger.is_empty() && count != 0 && count % base == 0 => {
            canonical(count / base, base, larger)
        }
        [suffix, ..] => format!("{count}{suffix}"),
        [] => count.to_string(),
    }
}

/// Pods that ask for nothing get this much, so that the quota can count them.
fn limit_range(tenant: &TenantKey) -> Wanted {
    wanted(
        place::<LimitRange>(Some(tenant.id.namespace()), "akili"),
        mark(tenant),
        json!({"spec": {"limits": [{
            "type": "Container",
            "default": {"cpu": DEFAULT_CPU, "memory": DEFAULT_MEMORY},
            "defaultRequest": {"cpu": "100m", "memory": "128Mi"},
        }]}}),
    )
}

/// Nothing in, nothing out but to what the platform allows.
fn network_policy(settings: &Settings, tenant: &TenantKey) -> Wanted {
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
    wanted(
        place::<NetworkPolicy>(Some(tenant.id.namespace()), "akili"),
        mark(tenant),
        json!({"spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "egress": egress}}),
    )
}

/// Lets the tenant's users see their own Namespace, Tenant and TenantQuota.
fn own_role(tenant: &TenantKey) -> Wanted {
    let slug = tenant.slug.as_str();
    wanted(
        place::<ClusterRole>(None, &tenant.id.cluster_role()),
        mark(tenant),
        json!({"rules": [
            {"apiGroups": [""], "resources": ["namespaces"],
             "resourceNames": [tenant.id.namespace()], "verbs": ["get"]},
            {"apiGroups": ["akili.io"], "resources": ["tenants", "tenantquotas"],
             "resourceNames": [slug], "verbs": ["get"]},
        ]}),
    )
}

fn own_role_binding(tenant: &TenantKey) -> Wanted {
    let name = tenant.id.cluster_role();
    wanted(
        place::<ClusterRoleBinding>(None, &name),
        mark(tenant),
        json!({
            "roleRef": {"apiGroup": RBAC_GROUP, "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "Group", "apiGroup": RBAC_GROUP, "name": tenant.id.group()}],
        }),
    )
}

/// The label by which an object is found to be this tenant's.
fn mark(tenant: &TenantKey) -> Value {
    json!({"labels": {LABEL_TENANT_ID: tenant.id.to_string()}})
}

/// Where a tenant's objects are, whatever state it is in.
pub fn places(settings: &Settings, tenant: &TenantKey) -> Vec<Place> {
    let anything = Desired::ReadOnly(TenantQuotaSpec::default());
    let place = |rule| match rule {
        Rule::Present(wanted) => wanted.place,
        Rule::Absent(place) => place,
    };
    let rules = rules(settings, tenant, &anything).into_iter();
    rules.map(place).collect()
}

fn place<K: Resource<DynamicType = ()>>(namespace: Option<String>, name: &str) -> Place {
    Place {
        resource: ApiResource::erase::<K>(&()),
        namespace,
        name: name.to_owned(),
    }
}

fn wanted(place: Place, mut metadata: Value, mut fields: Value) -> Wanted {
    metadata["name"] = json!(place.name);
    if let Some(namespace) = &place.namespace {
        metadata["namespace"] = json!(namespace);
    }
    fields["apiVersion"] = json!(place.resource.api_version);
    fields["kind"] = json!(place.resource.kind);
    fields["metadata"] = metadata;
    Wanted {
        place,
        fields,
        without: vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_written_as_the_api_server_writes_them() {
        for (count, decimal, binary) in [
            (0, "0", "0"),
            (1, "1", "1Gi"),
            (999, "999", "999Gi"),
            (1000, "1k", "1000Gi"),
            (1024, "1024", "1Ti"),
            (1500, "1500", "1500Gi"),
            (1_000_000, "1M", "1000000Gi"),
            (3 * 1024 * 1024, "3145728", "3Pi"),
        ] {
            assert_eq!(
                (number(count), gibibytes(count)),
                (decimal.into(), binary.into())
            );
        }
    }
}
