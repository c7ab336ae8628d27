//! `kafka`: the platform's Kafka or Redpanda.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ConfigError, authority, humantime_string, secret};
use crate::backend::kafka::binding::Address;
use crate::password::Password;

/// The platform's Kafka or Redpanda.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kafka {
    /// Brokers to begin with, such as kafka-1:9092,kafka-2:9092; for the operator and
    /// for tenants.
    pub bootstrap_servers: String,
    /// How clients connect.
    #[serde(default)]
    pub security_protocol: SecurityProtocol,
    /// The operator's user: it may do everything.
    #[serde(default = "default_user")]
    pub user: String,
    /// The password of the operator's user; by environment rather than in the file.
    #[serde(deserialize_with = "secret")]
    #[schemars(with = "String")]
    pub password: Password,
    /// The certificate authority of the brokers, in PEM, if it isn't a public one.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The topics that every tenant gets, below its prefix.
    #[serde(default = "default_topics")]
    pub topics: Vec<Topic>,
}

/// How clients connect to Kafka: always with SCRAM-SHA-256.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the words are Kafka's own")]
pub enum SecurityProtocol {
    #[default]
    #[serde(rename = "SASL_SSL")]
    SaslSsl,
    #[serde(rename = "SASL_PLAINTEXT")]
    SaslPlaintext,
}

impl SecurityProtocol {
    /// The word for it in the configuration of Kafka's clients.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SaslSsl => "SASL_SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
        }
    }
}

/// A topic that every tenant gets.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Topic {
    /// Its name below the tenant's prefix: `events` is made as `acme-corp.events`.
    pub name: String,
    /// How many partitions it has.
    #[serde(default = "default_partitions")]
    #[schemars(range(min = 1))]
    pub partitions: i32,
    /// How long a message is kept.
    #[serde(default = "default_retention", with = "humantime_string")]
    #[schemars(schema_with = "humantime_string::schema")]
    pub retention: Duration,
}

impl Kafka {
    /// Where the operator and tenants find it.
    ///
    /// # Errors
    /// The certificate authority can't be read.
    pub fn address(&self) -> Result<Address, ConfigError> {
        Ok(Address {
            bootstrap_servers: self.bootstrap_servers.clone(),
            security_protocol: self.security_protocol,
            ca: authority(self.ca_file.as_deref(), "kafka.caFile")?,
        })
    }
}

fn default_user() -> String {
    "akili-operator".into()
}

fn default_topics() -> Vec<Topic> {
    vec![Topic {
        name: "events".into(),
        partitions: default_partitions(),
        retention: default_retention(),
    }]
}

fn default_partitions() -> i32 {
    3
}

fn default_retention() -> Duration {
    Duration::from_secs(7 * 24 * 3600)
}
