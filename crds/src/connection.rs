//! `Connection`: a data source of a tenant.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Desired state of a data source.
#[allow(
    clippy::duplicated_attributes,
    reason = "two columns can have the same type"
)]
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "akili.io",
    version = "v1alpha1",
    kind = "Connection",
    namespaced,
    status = "ConnectionStatus",
    derive = "PartialEq",
    shortname = "conn",
    category = "akili",
    cel,
    doc = "Data source that a tenant's data products read from or write to.",
    printcolumn(name = "Type", type_ = "string", json_path = ".spec.connectorType"),
    printcolumn(name = "OK", type_ = "boolean", json_path = ".status.lastTest.ok"),
    printcolumn(
        name = "Tested",
        type_ = "date",
        json_path = ".status.lastTest.finishedAt"
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    )
)]
#[x_kube(validation = Rule::new("self.connectorType in ['postgres', 'mysql', 's3', 'kafka'] || (has(self.config.host) && has(self.config.port))")
    .message("config needs host and port for a connectorType other than postgres, mysql, s3 and kafka"))]
#[serde(rename_all = "camelCase")]
pub struct ConnectionSpec {
    /// Type of the data source: postgres, mysql, s3, kafka, or another word for any server with a
    /// host and a port.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z][a-z0-9-]*$"))]
    pub connector_type: String,
    /// Parameters of the connection, such as host and port. Must not contain secrets.
    #[schemars(schema_with = "config_schema")]
    pub config: Map<String, Value>,
    /// Secret with the credentials, in the same namespace. Must have the label
    /// akili.io/connection with this Connection's name; the operator reads no other Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials_secret_ref: Option<SecretReference>,
}

/// `config` accepts any field; CEL can require only fields that the schema names.
fn config_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
            "host": {"type": "string", "maxLength": 253, "description": "Host name or address of the server."},
            "port": {"type": "integer", "minimum": 1, "maximum": 65535, "description": "TCP port of the server."}
        }
    })
}

/// Reference to a Secret in the same namespace.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecretReference {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// Observed state of a data source.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionStatus {
    /// Result of the last test. The annotation akili.io/test-requested-at requests one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_test: Option<ConnectionTest>,
}

/// Result of a connection test.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionTest {
    /// Time of the request: the annotation's value.
    pub requested_at: String,
    /// Time at which the test ended.
    pub finished_at: Time,
    /// True if the test succeeded.
    pub ok: bool,
    /// CamelCase reason from a closed list.
    pub reason: String,
    /// Message for people: the result and the next step.
    pub message: String,
    /// Milliseconds until the server answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<i64>,
    /// Version that the server reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_version: Option<String>,
}
