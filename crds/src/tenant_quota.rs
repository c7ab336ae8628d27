//! `TenantQuota`: a tenant's limits and usage.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

/// Limits of a tenant: whole numbers from 0. A limit of 0 allows none.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "akili.io",
    version = "v1alpha1",
    kind = "TenantQuota",
    status = "TenantQuotaStatus",
    derive = "PartialEq",
    shortname = "tq",
    category = "akili",
    cel,
    doc = "Limits and usage of the Tenant of the same name.",
    validation = Rule::new("self.metadata.name.matches('^[a-z][a-z0-9-]{2,62}$')")
        .message("a TenantQuota has the name of its Tenant: 3 to 63 characters, lower-case letters, digits and hyphens, beginning with a letter, without a dot"),
    printcolumn(name = "Products", type_ = "string", json_path = ".status.summary.products"),
    printcolumn(name = "Connections", type_ = "string", json_path = ".status.summary.connections"),
    printcolumn(name = "Storage GB", type_ = "string", json_path = ".status.summary.storageGb"),
    printcolumn(name = "CPU", type_ = "string", json_path = ".status.summary.cpu"),
    printcolumn(name = "Memory GB", type_ = "string", json_path = ".status.summary.memoryGb"),
    printcolumn(name = "Exceeded", type_ = "string", json_path = ".status.conditions[?(@.type==\"Exceeded\")].status"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Measured", type_ = "date", json_path = ".status.measuredAt", priority = "1"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Exceeded\")].reason", priority = "1")
)]
#[serde(rename_all = "camelCase")]
pub struct TenantQuotaSpec {
    /// Maximum number of data products.
    #[schemars(range(min = 0, max = 1_000_000))]
    #[serde(default = "default_max_products")]
    pub max_products: i64,
    /// Maximum number of connections.
    #[schemars(range(min = 0, max = 1_000_000))]
    #[serde(default = "default_max_connections")]
    pub max_connections: i64,
    /// Maximum storage below the tenant's prefix in the object store, in GB of 2^30 bytes.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    #[serde(default = "default_max_storage_gb")]
    pub max_storage_gb: i64,
    /// Maximum CPU cores of all pods together, and again of all queries together.
    #[schemars(range(min = 0, max = 1_000_000))]
    #[serde(default = "default_max_compute_cpu")]
    pub max_compute_cpu: i64,
    /// Maximum memory of all pods together, and again of all queries together, in GB of 2^30 bytes.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    #[serde(default = "default_max_compute_memory_gb")]
    pub max_compute_memory_gb: i64,
}

fn default_max_products() -> i64 {
    100
}

fn default_max_connections() -> i64 {
    20
}

fn default_max_storage_gb() -> i64 {
    500
}

fn default_max_compute_cpu() -> i64 {
    8
}

fn default_max_compute_memory_gb() -> i64 {
    32
}

impl Default for TenantQuotaSpec {
    fn default() -> Self {
        Self {
            max_products: default_max_products(),
            max_connections: default_max_connections(),
            max_storage_gb: default_max_storage_gb(),
            max_compute_cpu: default_max_compute_cpu(),
            max_compute_memory_gb: default_max_compute_memory_gb(),
        }
    }
}

/// Observed usage of a tenant.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantQuotaStatus {
    /// Generation of the spec that this status describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Usage by resource. A value that was not measured yet is absent, never 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Usage>,
    /// Usage and limits for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// Time of the last storage measurement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured_at: Option<Time>,
    /// Conditions of the quota: Exceeded is True while usage is above a limit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// Usage and limit of each resource for `kubectl get`, such as `98/100`. A dash stands for a value
/// that was not measured yet.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Data products.
    pub products: String,
    /// Connections.
    pub connections: String,
    /// Storage in GB of 2^30 bytes.
    pub storage_gb: String,
    /// CPU cores of pods.
    pub cpu: String,
    /// Memory of pods in GB of 2^30 bytes.
    pub memory_gb: String,
}

/// Usage by resource. A value that was not measured yet is absent, never 0.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Number of data products.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub products: Option<i64>,
    /// Number of connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<i64>,
    /// Bytes stored below the tenant's prefix in the object store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_bytes: Option<i64>,
    /// Sum of the limits of the tenant's pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pods: Option<Compute>,
    /// Compute in use by the tenant's queries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queries: Option<Compute>,
}

/// CPU and memory.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Compute {
    /// CPU cores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<f64>,
    /// Bytes of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<i64>,
}
