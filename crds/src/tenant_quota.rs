//! `TenantQuota`: what a tenant may use, and what it uses.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

/// What a tenant may use. Limits are whole numbers from 0; 0 means none at all.
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
    doc = "The limits and the usage of the Tenant of the same name.",
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
    /// Data products.
    #[schemars(range(min = 0, max = 1_000_000))]
    #[serde(default = "default_max_products")]
    pub max_products: i64,
    /// Connections.
    #[schemars(range(min = 0, max = 1_000_000))]
    #[serde(default = "default_max_connections")]
    pub max_connections: i64,
    /// Storage below the tenant's prefix, in GB of 2^30 bytes.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    #[serde(default = "default_max_storage_gb")]
    pub max_storage_gb: i64,
    /// CPU cores: of all pods together, and again of all queries together.
    #[schemars(range(min = 0, max = 1_000_000))]
    #[serde(default = "default_max_compute_cpu")]
    pub max_compute_cpu: i64,
    /// Memory in GB of 2^30 bytes: of all pods together, and again of all queries together.
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

/// What a tenant uses.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantQuotaStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// What is used. What was not measured yet is absent, never 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Usage>,
    /// The same beside the limits, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// When the storage was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured_at: Option<Time>,
    /// Exceeded is true while a limit is below the usage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// How much is used of how much, such as `98/100`, for `kubectl get`. What was not
/// measured yet is a dash.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Data products.
    pub products: String,
    /// Connections.
    pub connections: String,
    /// GB of 2^30 bytes of storage.
    pub storage_gb: String,
    /// CPU cores of pods.
    pub cpu: String,
    /// GB of 2^30 bytes of memory of pods.
    pub memory_gb: String,
}

/// What is used. What was not measured yet is absent, never 0.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Data products.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub products: Option<i64>,
    /// Connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<i64>,
    /// Bytes below the tenant's prefix in the object store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_bytes: Option<i64>,
    /// What the tenant's pods may use at most, all together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pods: Option<Compute>,
    /// What the tenant's queries use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queries: Option<Compute>,
}

/// Compute that is used.
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
