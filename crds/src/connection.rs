//! `Connection`: a data source of a tenant.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A data source, in the namespace of its tenant.
#[allow(
    clippy::duplicated_attributes,
    reason = "two columns may have one type"
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
    doc = "A data source that a tenant's data products read from or write to.",
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
    /// postgres, mysql, s3, kafka, or another word for anything that has a host and a port.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z][a-z0-9-]*$"))]
    pub connector_type: String,
    /// Where and how to connect, without any secret.
    #[schemars(schema_with = "config_schema")]
    pub config: Map<String, Value>,
    /// The Secret of the same namespace that holds the credentials. It carries the
    /// label akili.io/connection with this Connection's name; no other is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials_secret_ref: Option<SecretReference>,
}

/// Any fields may stand in `config`; CEL can ask only for those that the schema names.
fn config_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
            "host": {"type": "string", "maxLength": 253, "description": "Name or address of the server."},
            "port": {"type": "integer", "minimum": 1, "maximum": 65535, "description": "TCP port of the server."}
        }
    })
}

/// A Secret of the same namespace.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecretReference {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// What the operator knows of a data source.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionStatus {
    /// The last test that was asked for with the annotation akili.io/test-requested-at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_test: Option<ConnectionTest>,
}

/// The outcome of a test.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionTest {
    /// When the test was asked for: the annotation's value.
    pub requested_at: String,
    /// When it was over.
    pub finished_at: Time,
    /// Whether the server answered as it should.
    pub ok: bool,
    /// CamelCase, from a closed list.
    pub reason: String,
    /// For people: what was found and what to do next.
    pub message: String,
    /// Milliseconds until the server had answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<i64>,
    /// What the server says of its own version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_version: Option<String>,
}
