//! What of the Helm chart is generated: the schema of its values, which has the
//! operator's own configuration in it, and the custom resource definitions.

use std::collections::BTreeMap;
use std::path::PathBuf;

use k8s_openapi::api::core::v1::{LocalObjectReference, Toleration};
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

use crate::config::Config;

/// Keys of the operator's configuration that values can't have: secrets, which
/// values only refer to, and what the chart knows by itself.
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

/// The chart's values.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct Values {
    /// The operator's image.
    pub image: Image,
    /// Secrets of the release's namespace that the image is pulled with.
    pub image_pull_secrets: Vec<LocalObjectReference>,
    /// How many replicas there are: one works, the others would take over.
    #[schemars(range(min = 0))]
    pub replicas: i32,
    /// What a replica asks for, and what it may use.
    pub resources: Resources,
    /// Labels of the nodes that replicas run on.
    pub node_selector: BTreeMap<String, String>,
    /// Taints of nodes that replicas run on all the same.
    pub tolerations: Vec<Toleration>,
    /// The admission webhook.
    pub webhook: Webhook,
    /// The custom resource definitions.
    pub crds: Crds,
    /// The operator's own configuration.
    pub config: Config,
    /// Secrets for the platform's database.
    pub postgres: LoginSecrets,
    /// Secrets for the platform's object store.
    pub object_store: ObjectStoreSecrets,
    /// Secrets for the platform's Kafka.
    pub kafka: LoginSecrets,
    /// Secrets for the platform's StarRocks.
    pub starrocks: LoginSecrets,
    /// What Helm gives to every chart that is part of another. Not used.
    pub global: Option<Map<String, Value>>,
}

/// The operator's image.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct Image {
    /// Its name, the registry's included.
    pub repository: String,
    /// Its tag; if empty, the chart's appVersion.
    pub tag: String,
    /// When the node pulls it.
    pub pull_policy: PullPolicy,
}

/// When the node pulls an image.
#[derive(JsonSchema)]
#[expect(missing_docs, reason = "the words are Kubernetes' own")]
pub enum PullPolicy {
    Always,
    IfNotPresent,
    Never,
}

/// What a replica asks for, and what it may use.
#[derive(JsonSchema)]
pub struct Resources {
    /// What it asks for.
    #[schemars(default, schema_with = "quantities")]
    pub requests: Map<String, Value>,
    /// What it may use.
    #[schemars(default, schema_with = "quantities")]
    pub limits: Map<String, Value>,
}

/// The admission webhook.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct Webhook {
    /// What cert-manager has to do with it.
    pub cert_manager: CertManager,
}

/// What cert-manager has to do with the webhook.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct CertManager {
    /// Where the certificate comes from; without a name the operator makes it.
    pub issuer_ref: IssuerReference,
}

/// An issuer of cert-manager.
#[derive(JsonSchema)]
pub struct IssuerReference {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: IssuerKind,
}

/// A kind of issuers.
#[derive(JsonSchema)]
#[expect(missing_docs, reason = "the words are cert-manager's own")]
pub enum IssuerKind {
    Issuer,
    ClusterIssuer,
}

/// The custom resource definitions.
#[derive(JsonSchema)]
pub struct Crds {
    /// Whether this release installs and upgrades them.
    pub install: bool,
}

/// Secrets for a backend where the operator has a password.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct LoginSecrets {
    /// The password of the operator's login.
    pub password_secret: SecretKey,
    /// The certificate authority of the server, in PEM; none without a name.
    pub ca_secret: SecretKey,
}

/// Secrets for the platform's object store.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct ObjectStoreSecrets {
    /// The access key of the operator's user.
    pub access_key_secret: SecretKey,
    /// Its secret key.
    pub secret_key_secret: SecretKey,
    /// The certificate authority of the server, in PEM; none without a name.
    pub ca_secret: SecretKey,
}

/// An entry of a Secret in the release's namespace.
#[derive(JsonSchema)]
pub struct SecretKey {
    /// Name of the Secret.
    pub name: String,
    /// The entry's key.
    pub key: String,
}

/// The generated files, by their path in the chart.
///
/// # Errors
/// None that could be mended: these types can be written.
pub fn files() -> anyhow::Result<Vec<(PathBuf, String)>> {
    let schema = format!("{:#}\n", values_schema());
    let mut files = vec![("values.schema.json".into(), schema)];
    for mut definition in akili_crds::definitions() {
        let name = definition.metadata.name.clone().unwrap_or_default();
        // With its definition every Tenant would go, and nobody uninstalls for that.
        let keep = ("helm.sh/resource-policy".into(), "keep".into());
        definition.metadata.annotations = Some([keep].into());
        let yaml = serde_saphyr::to_string(&definition)?;
        files.push((format!("files/crds/{name}.yaml").into(), yaml));
    }
    Ok(files)
}

fn values_schema() -> Value {
    // The draft that every Helm 3 knows.
    let mut settings = SchemaSettings::draft07().with_transform(RecursiveTransform(close));
    settings.inline_subschemas = true;
    let schema = settings.into_generator().into_root_schema_for::<Values>();
    let mut schema = schema.to_value();
    for path in NOT_VALUES {
        remove(&mut schema, path);
    }
    schema
}

/// A key that isn't known is refused: it is misspelt.
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

/// Amounts as Kubernetes takes them: 2, 500m, 256Mi.
fn quantities(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": {"type": ["string", "number"]},
    })
}
