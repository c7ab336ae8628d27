//! Generated files of the Helm chart: the schema of its values, which includes the
//! operator's own configuration, and the custom resource definitions.

use std::collections::BTreeMap;
use std::path::PathBuf;

use k8s_openapi::api::core::v1::{LocalObjectReference, Toleration};
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

use crate::config::Config;

/// Keys of the operator's configuration that values can't set: secrets, since values
/// only refer to Secrets, and keys that the chart sets itself.
const NOT_VALUES: [&[&str]; 13] = [
    &["config", "namespace"],
    &["config", "serviceAccount"],
    &["config", "httpAddress"],
    &["config", "webhook"],
    &["config", "postgres", "password"],
    &["config", "postgres", "caFile"],
    &["config", "objectStore", "accessKey"],
    &["config", "objectStore", "secretKey"],
    &["config", "objectStore", "caFile"],
    &["config", "kafka", "password"],
    &["config", "kafka", "caFile"],
    &["config", "starrocks", "password"],
    &["config", "starrocks", "caFile"],
];

/// Values of the chart.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct Values {
    /// Image of the operator.
    pub image: Image,
    /// Secrets in the release's namespace with the registry's login.
    pub image_pull_secrets: Vec<LocalObjectReference>,
    /// Number of replicas: one leads, the others stand by.
    #[schemars(range(min = 0))]
    pub replicas: i32,
    /// Resource requests and limits of a replica.
    pub resources: Resources,
    /// Labels of the nodes where replicas run.
    pub node_selector: BTreeMap<String, String>,
    /// Tolerations of the replicas, for nodes with taints.
    pub tolerations: Vec<Toleration>,
    /// Admission webhook.
    pub webhook: Webhook,
    /// Custom resource definitions.
    pub crds: Crds,
    /// Configuration of the operator.
    pub config: Config,
    /// Secrets for the platform's database.
    pub postgres: LoginSecrets,
    /// Secrets for the platform's object store.
    pub object_store: ObjectStoreSecrets,
    /// Secrets for the platform's Kafka.
    pub kafka: LoginSecrets,
    /// Secrets for the platform's StarRocks.
    pub starrocks: LoginSecrets,
    /// Values that Helm passes to every subchart. Not used.
    pub global: Option<Map<String, Value>>,
}

/// The operator's image.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct Image {
    /// Name of the image, including the registry.
    pub repository: String,
    /// Tag of the image; if empty, the chart's appVersion.
    pub tag: String,
    /// When a node pulls the image.
    pub pull_policy: PullPolicy,
}

/// Pull policy of an image.
#[derive(JsonSchema)]
#[expect(missing_docs, reason = "the words are Kubernetes' own")]
pub enum PullPolicy {
    Always,
    IfNotPresent,
    Never,
}

/// Resource requests and limits of a replica.
#[derive(JsonSchema)]
pub struct Resources {
    /// Resource requests.
    #[schemars(default, schema_with = "quantities")]
    pub requests: Map<String, Value>,
    /// Resource limits.
    #[schemars(default, schema_with = "quantities")]
    pub limits: Map<String, Value>,
}

/// The admission webhook.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct Webhook {
    /// Certificate from cert-manager.
    pub cert_manager: CertManager,
}

/// Certificate of the webhook from cert-manager.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct CertManager {
    /// Issuer of the certificate; without a name the operator creates the certificate.
    pub issuer_ref: IssuerReference,
}

/// Issuer of cert-manager.
#[derive(JsonSchema)]
pub struct IssuerReference {
    /// Name of the issuer.
    pub name: String,
    /// Kind of the issuer.
    pub kind: IssuerKind,
}

/// Kind of an issuer.
#[derive(JsonSchema)]
#[expect(missing_docs, reason = "the words are cert-manager's own")]
pub enum IssuerKind {
    Issuer,
    ClusterIssuer,
}

/// The custom resource definitions.
#[derive(JsonSchema)]
pub struct Crds {
    /// Lets this release install and upgrade the custom resource definitions.
    pub install: bool,
}

/// Secrets for a backend where the operator has a password.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct LoginSecrets {
    /// Password of the operator's login.
    pub password_secret: SecretKey,
    /// Certificate authority of the server, in PEM; optional.
    pub ca_secret: SecretKey,
}

/// Secrets for the platform's object store.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct ObjectStoreSecrets {
    /// Access key of the operator's user.
    pub access_key_secret: SecretKey,
    /// Secret key of the operator's user.
    pub secret_key_secret: SecretKey,
    /// Certificate authority of the server, in PEM; optional.
    pub ca_secret: SecretKey,
}

/// An entry of a Secret in the release's namespace.
#[derive(JsonSchema)]
pub struct SecretKey {
    /// Name of the Secret.
    pub name: String,
    /// Key in the Secret.
    pub key: String,
}

/// Returns the generated files with their paths in the chart.
///
/// # Errors
/// Only if a definition can't be written as YAML.
pub fn files() -> anyhow::Result<Vec<(PathBuf, String)>> {
    let schema = format!("{:#}\n", values_schema());
    let mut files = vec![("values.schema.json".into(), schema)];
    for mut definition in akili_crds::definitions() {
        let name = definition.metadata.name.clone().unwrap_or_default();
        // An uninstall that deletes a definition would delete every Tenant with it.
        let keep = ("helm.sh/resource-policy".into(), "keep".into());
        definition.metadata.annotations = Some([keep].into());
        let yaml = serde_saphyr::to_string(&definition)?;
        files.push((format!("files/crds/{name}.yaml").into(), yaml));
    }
    Ok(files)
}

fn values_schema() -> Value {
    // Every Helm 3 supports this draft.
    let mut settings = SchemaSettings::draft07().with_transform(RecursiveTransform(close));
    settings.inline_subschemas = true;
    let schema = settings.into_generator().into_root_schema_for::<Values>();
    let mut schema = schema.to_value();
    for path in NOT_VALUES {
        remove(&mut schema, path);
    }
    schema
}

/// Rejects unknown keys, as they are misspelt.
fn close(schema: &mut Schema) {
    if schema.get("properties").is_some() {
        schema.insert("additionalProperties".into(), false.into());
    }
}

fn remove(schema: &mut Value, path: &[&str]) {
    let [key, deeper @ ..] = path else { return };
    if !deeper.is_empty() {
        return remove(&mut schema["properties"][key], deeper);
    }
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.remove(*key);
    }
    if let Some(required) = schema["required"].as_array_mut() {
        required.retain(|name| name != key);
    }
}

/// Returns the schema of Kubernetes' quantities: 2, 500m, 256Mi.
fn quantities(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": {"type": ["string", "number"]},
    })
}
