//! `DataProduct`: a tenant's data product and its pipeline.

use k8s_openapi::api::core::v1::{EnvVar, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::quantity;

/// Desired state of a data product.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "akili.io",
    version = "v1alpha1",
    kind = "DataProduct",
    namespaced,
    status = "DataProductStatus",
    derive = "PartialEq",
    shortname = "dp",
    category = "akili",
    cel,
    doc = "Data product of a tenant and the pipeline that produces it.",
    validation = Rule::new("size(self.metadata.name) <= 52")
        .message("a data product's name has at most 52 characters, since a CronJob of that name runs it"),
    printcolumn(name = "Domain", type_ = "string", json_path = ".spec.namespace"),
    printcolumn(name = "Status", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Schedule", type_ = "string", json_path = ".spec.schedule"),
    printcolumn(name = "Last Run", type_ = "string", json_path = ".status.lastRun.outcome"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(validation = Rule::new("!self.deployed || (has(self.schedule) && has(self.pipeline) && has(self.pipeline.image))")
    .message("a deployed data product needs a schedule and pipeline.image"))]
#[serde(rename_all = "camelCase")]
pub struct DataProductSpec {
    /// Business domain, such as sales. Not a Kubernetes namespace.
    #[schemars(
        length(min = 1, max = 63),
        regex(pattern = r"^[a-z]([a-z0-9-]*[a-z0-9])?$")
    )]
    pub namespace: String,
    /// Description for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub description: Option<String>,
    /// Schedule of the pipeline in cron format, such as "0 2 * * *".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub schedule: Option<String>,
    /// Time zone of the schedule, such as Africa/Nairobi. Default: UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: Option<String>,
    /// Container that produces the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<Pipeline>,
    /// Names of the Connections that the pipeline uses, in the same namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub connections: Vec<String>,
    /// Set to true to run the pipeline by a CronJob in the tenant's namespace.
    #[serde(default)]
    pub deployed: bool,
}

/// Container that produces the data.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pipeline {
    /// Container image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,
    /// Entrypoint. Default: the image's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Arguments of the entrypoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Environment variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<EnvVar>,
    /// Requests and limits of CPU and memory. Default: the namespace's LimitRange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "resources_schema")]
    pub resources: Option<ResourceRequirements>,
}

/// The same as a container's. Kubernetes' own schema accepts any text as a quantity, and no
/// number.
fn resources_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let quantities = |description| {
        json!({
            "type": "object",
            "description": description,
            "additionalProperties": {
                "x-kubernetes-int-or-string": true,
                "maxLength": 32,
                "pattern": quantity::PATTERN,
            },
        })
    };
    schemars::json_schema!({
        "type": "object",
        "nullable": true,
        "properties": {
            "limits": quantities("Maximum, such as cpu: 500m and memory: 2Gi."),
            "requests": quantities("Minimum that is reserved for the pod."),
        }
    })
}

/// Observed state of a data product.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataProductStatus {
    /// Generation of the spec that this status describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Phase: DRAFT, DEPLOYED, or PAUSED while the tenant is suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<ProductPhase>,
    /// Last run of the pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<Run>,
    /// Time of the next scheduled run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_run: Option<Time>,
    /// Conditions of the data product.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// Phase of a data product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ProductPhase {
    /// Not deployed.
    Draft,
    /// Deployed: the pipeline runs on its schedule.
    Deployed,
    /// Deployed, but paused while the tenant is suspended.
    Paused,
}

/// One run of a pipeline.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Name of the Job.
    pub job: String,
    /// Start time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// End time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// Outcome: Running, Succeeded or Failed.
    pub outcome: String,
}
