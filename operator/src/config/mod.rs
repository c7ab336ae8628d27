//! The operator's configuration: a YAML file, over which environment variables go.
//! `AKILI_POSTGRES__PASSWORD` sets `postgres.password`, and so on.

mod kafka;
mod object_store;
mod postgres;
mod starrocks;
mod webhook;

use akili_core::humantime_string;
use std::path::{Path, PathBuf};
use std::time::Duration;

use akili_core::kubernetes::settings::Egress;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::password::Password;

pub use kafka::Kafka;
pub use object_store::ObjectStore;
pub use postgres::Postgres;
pub use starrocks::StarRocks;
pub use webhook::Webhook;

const PREFIX: &str = "AKILI_";
const SEPARATOR: &str = "__";

/// Everything that the operator is told.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// The operator's own namespace.
    #[serde(default = "default_namespace")]
    pub namespace: String,
    /// The operator's own ServiceAccount.
    #[serde(default = "default_service_account")]
    pub service_account: String,
    /// Where the probes and metrics are served, such as 0.0.0.0:8080.
    #[serde(default = "default_http_address")]
    pub http_address: String,
    /// The admission webhook.
    #[serde(default)]
    pub webhook: Webhook,
    /// How long the leader's lease holds without being renewed: three seconds or more.
    #[serde(default = "default_lease_duration", with = "humantime_string")]
    #[schemars(schema_with = "humantime_string::schema")]
    pub lease_duration: Duration,
    /// How many tenants are worked on at the same time.
    #[serde(default = "default_concurrency")]
    pub concurrency: u16,
    /// How long an archived tenant's data is kept where the Tenant doesn't say.
    #[serde(default = "default_retention", with = "humantime_string")]
    #[schemars(schema_with = "humantime_string::schema")]
    pub retention: Duration,
    /// How often every tenant is looked at although nothing was heard of it.
    #[serde(default = "default_audit_interval", with = "humantime_string")]
    #[schemars(schema_with = "humantime_string::schema")]
    pub audit_interval: Duration,
    /// Where tenants' pods may connect to, besides DNS.
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

/// Why the operator can't start with this configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("can't read the configuration {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file isn't YAML.
    #[error("the configuration {path} isn't YAML: {message}")]
    NotYaml {
        /// The file.
        path: PathBuf,
        /// What the parser said, with the position.
        message: String,
    },
    /// A key is missing, unknown or of the wrong type.
    #[error(
        "configuration key {key}: {message}; set it in the file, or by the variable {variable}"
    )]
    Key {
        /// The key, such as postgres.port.
        key: String,
        /// What is wrong with it.
        message: String,
        /// The variable that sets it.
        variable: String,
    },
}

impl Config {
    /// Reads `file`, if there is one, and lets `environment` have the last word.
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

/// Other variables of the platform begin with AKILI_ too, such as the CLI's.
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

/// `POSTGRES__TENANT_SCHEMAS` is `postgres`, `tenantSchemas`.
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

/// Numbers, lists and maps are written as in YAML; everything else is text.
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

fn variable(key: &str) -> String {
    let mut name = PREFIX.to_owned();
    for c in key.chars() {
        match c {
            '.' => name.push_str(SEPARATOR),
            c if c.is_ascii_uppercase() => name.extend(['_', c]),
            c => name.push(c.to_ascii_uppercase()),
        }
    }
    name
}

/// The certificate authority in this file, in PEM; the key is what names the file.
fn authority(file: Option<&Path>, key: &str) -> Result<Option<String>, ConfigError> {
    let read = |file: &Path| {
        std::fs::read_to_string(file).map_err(|source| ConfigError::Key {
            key: key.into(),
            message: format!("can't read {}: {source}", file.display()),
            variable: variable(key),
        })
    };
    file.map(read).transpose()
}

/// A password may look like a number where it comes from the environment.
fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Password, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) if !text.is_empty() => Ok(Password::from(text)),
        Value::Number(number) => Ok(Password::from(number.to_string())),
        _ => Err(serde::de::Error::custom("a password is needed")),
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

    /// Everything that has no default.
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
    fn defaults_fill_what_is_not_said() {
        let config = load(WHOLE, &[]).unwrap();
        assert_eq!(config.postgres.port, 5432);
        assert_eq!(config.audit_interval, Duration::from_secs(60));
        assert_eq!(config.postgres.tenant_schemas, ["public"]);
    }

    #[test]
    fn the_environment_has_the_last_word() {
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
    fn a_wrong_configuration_names_the_key_and_its_variable() {
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
    fn an_error_does_not_show_the_password() {
        let error = load("postgres: {host: db, password: hunter2}", &[]).unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
        let config = load(WHOLE, &[]).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
