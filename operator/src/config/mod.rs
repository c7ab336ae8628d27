//! The operator's configuration: a YAML file, whose keys environment variables override.
//! `AKILI_POSTGRES__PASSWORD` sets `postgres.password`, and so on.

mod field;
mod kafka;
mod object_store;
mod postgres;
mod starrocks;
mod webhook;

use std::path::Path;
use std::time::Duration;

use akili_core::humantime_string;
use akili_core::kubernetes::settings::Egress;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use field::{PREFIX, SEPARATOR, variable};

pub use field::ConfigError;
pub use kafka::Kafka;
pub use object_store::ObjectStore;
pub use postgres::Postgres;
pub use starrocks::StarRocks;
pub use webhook::Webhook;

/// Configuration of the operator.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// Namespace of the operator.
    #[serde(default = "default_namespace")]
    pub namespace: String,
    /// ServiceAccount of the operator.
    #[serde(default = "default_service_account")]
    pub service_account: String,
    /// Address of the probes and metrics, such as 0.0.0.0:8080.
    #[serde(default = "default_http_address")]
    pub http_address: String,
    /// Admission webhook.
    #[serde(default)]
    pub webhook: Webhook,
    /// Duration of the leader's lease; at least three seconds.
    #[serde(default = "default_lease_duration", with = "humantime_string")]
    #[schemars(schema_with = "humantime_string::schema")]
    pub lease_duration: Duration,
    /// Maximum number of tenants that are reconciled at the same time.
    #[serde(default = "default_concurrency")]
    pub concurrency: u16,
    /// How long an archived tenant's data is kept if its Tenant has no spec.retention.
    #[serde(default = "default_retention", with = "humantime_string")]
    #[schemars(schema_with = "humantime_string::schema")]
    pub retention: Duration,
    /// Interval at which every tenant is checked for drift.
    #[serde(default = "default_audit_interval", with = "humantime_string")]
    #[schemars(schema_with = "humantime_string::schema")]
    pub audit_interval: Duration,
    /// Destinations that tenants' pods may connect to, besides DNS.
    #[serde(default)]
    pub egress: Vec<Egress>,
    /// The platform's database.
    pub postgres: Postgres,
    /// The platform's object store.
    pub object_store: ObjectStore,
    /// The platform's Kafka.
    pub kafka: Kafka,
    /// The platform's StarRocks.
    pub starrocks: StarRocks,
}

impl Config {
    /// Reads the configuration from `file`, if there is one. Variables of `environment`
    /// override its keys.
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut values = file.map_or(Ok(Value::Object(Map::new())), read)?;
        for (name, value) in environment {
            if let Some(key) = name
                .strip_prefix(PREFIX)
                .filter(|key| key.contains(SEPARATOR) || is_top_level(key))
            {
                set(&mut values, &key_path(key), scalar(&value));
            }
        }
        serde_path_to_error::deserialize(values).map_err(|error| wrong_key(&error))
    }
}

fn read(file: &Path) -> Result<Value, ConfigError> {
    let text = std::fs::read_to_string(file).map_err(|source| ConfigError::Unreadable {
        path: file.into(),
        source,
    })?;
    serde_saphyr::from_str(&text).map_err(|error| ConfigError::NotYaml {
        path: file.into(),
        message: error.to_string(),
    })
}

/// Returns whether a variable sets a key at the top level. Other variables of the platform
/// begin with AKILI_ too, such as the CLI's.
fn is_top_level(key: &str) -> bool {
    const KEYS: [&str; 7] = [
        "NAMESPACE",
        "SERVICE_ACCOUNT",
        "HTTP_ADDRESS",
        "LEASE_DURATION",
        "CONCURRENCY",
        "RETENTION",
        "AUDIT_INTERVAL",
    ];
    KEYS.contains(&key)
}

/// Returns `postgres`, `tenantSchemas` for `POSTGRES__TENANT_SCHEMAS`.
fn key_path(name: &str) -> Vec<String> {
    name.split(SEPARATOR).map(camel_case).collect()
}

fn camel_case(word: &str) -> String {
    let mut words = word.split('_').map(str::to_ascii_lowercase);
    let first = words.next().unwrap_or_default();
    words.fold(first, |name, word| {
        let (head, tail) = word.split_at(word.len().min(1));
        name + &head.to_ascii_uppercase() + tail
    })
}

/// Parses the value of a variable: numbers, lists and maps as in YAML, all else as text.
fn scalar(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Number(_) | Value::Bool(_) | Value::Array(_) | Value::Object(_))) => {
            value
        }
        _ => Value::String(text.to_owned()),
    }
}

fn set(values: &mut Value, path: &[String], value: Value) {
    let Some((key, rest)) = path.split_first() else {
        *values = value;
        return;
    };
    if !values.is_object() {
        *values = Value::Object(Map::new());
    }
    set(&mut values[key.as_str()], rest, value);
}

fn wrong_key(error: &serde_path_to_error::Error<serde_json::Error>) -> ConfigError {
    let message = error.inner().to_string();
    // A missing or unknown field is named in the message; the path ends at its parent.
    let field = message
        .split('`')
        .nth(1)
        .filter(|_| message.contains("field `"));
    let parent = error.path().to_string();
    let key = match field {
        Some(field) if parent == "." || parent == field => field.to_owned(),
        Some(field) if parent.ends_with(&format!(".{field}")) => parent,
        Some(field) => format!("{parent}.{field}"),
        None => parent,
    };
    ConfigError::Key {
        variable: variable(&key),
        key,
        message,
    }
}

fn default_namespace() -> String {
    "akili-system".into()
}

fn default_service_account() -> String {
    "akili-operator".into()
}

fn default_http_address() -> String {
    "0.0.0.0:8080".into()
}

fn default_lease_duration() -> Duration {
    Duration::from_secs(15)
}

fn default_concurrency() -> u16 {
    8
}

fn default_retention() -> Duration {
    Duration::from_secs(2160 * 3600)
}

fn default_audit_interval() -> Duration {
    Duration::from_secs(60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// All keys without a default.
    const WHOLE: &str = "\
postgres: {host: db, database: akili, password: hunter2}
objectStore: {endpoint: 'https://s3', bucket: akili, accessKey: a, secretKey: hunter2}
kafka: {bootstrapServers: 'kafka:9092', password: hunter2}
starrocks: {host: sr, password: hunter2, catalog: {properties: {iceberg.catalog.type: hadoop}}}
";

    fn load(yaml: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(yaml.as_bytes()).unwrap();
        let environment = environment
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Config::load(Some(file.path()), environment)
    }

    #[test]
    fn absent_key_has_its_default() {
        let config = load(WHOLE, &[]).unwrap();
        assert_eq!(config.postgres.port, 5432);
        assert_eq!(config.audit_interval, Duration::from_secs(60));
        assert_eq!(config.postgres.tenant_schemas, ["public"]);
    }

    #[test]
    fn environment_variable_overrides_the_file() {
        let config = load(
            WHOLE,
            &[
                ("AKILI_POSTGRES__PASSWORD", "12345"),
                ("AKILI_POSTGRES__TENANT_SCHEMAS", r#"["sales"]"#),
                ("AKILI_AUDIT_INTERVAL", "2s"),
                ("AKILI_PROFILE", "somebody else's variable"),
            ],
        )
        .unwrap();
        assert_eq!(config.postgres.password.expose(), "12345");
        assert_eq!(config.postgres.tenant_schemas, ["sales"]);
        assert_eq!(config.audit_interval, Duration::from_secs(2));
    }

    #[test]
    fn invalid_key_is_named_with_its_variable() {
        for (yaml, key, variable) in [
            (
                "postgres: {host: db, database: akili}",
                "postgres.password",
                "AKILI_POSTGRES__PASSWORD",
            ),
            ("{}", "postgres", "AKILI_POSTGRES"),
            (
                "postgres: {host: db, database: a, password: x, port: many}",
                "postgres.port",
                "AKILI_POSTGRES__PORT",
            ),
            (
                "postgres: {hots: db}",
                "postgres.hots",
                "AKILI_POSTGRES__HOTS",
            ),
            (
                "starrocks: {host: sr, password: x, catalog: {properties: {type: hive}}}",
                "starrocks.catalog.properties",
                "AKILI_STARROCKS__CATALOG__PROPERTIES",
            ),
            (
                "retention: soon\npostgres: {host: db, database: a, password: x}",
                "retention",
                "AKILI_RETENTION",
            ),
        ] {
            let error = load(yaml, &[]).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("configuration key {key}: ")),
                "{error}"
            );
            assert!(
                error.ends_with(&format!("or by the variable {variable}")),
                "{error}"
            );
        }
    }

    #[test]
    fn error_does_not_show_the_password() {
        let error = load("postgres: {host: db, password: hunter2}", &[]).unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
        let config = load(WHOLE, &[]).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
