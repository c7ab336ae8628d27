//! Settings of Kafka that the configuration and the backend share.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::humantime_string;

/// Security protocol of Kafka's clients, which always log in with SCRAM-SHA-256.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum SecurityProtocol {
    #[default]
    #[serde(rename = "SASL_SSL")]
    SaslSsl,
    #[serde(rename = "SASL_PLAINTEXT")]
    SaslPlaintext,
}

impl SecurityProtocol {
    /// Returns the value of `security.protocol` in the configuration of Kafka's clients.
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
    /// Its name without the tenant's prefix: `events` is created as `acme-corp.events`.
    pub name: String,
    /// Number of partitions.
    #[serde(default = "default_partitions")]
    #[schemars(range(min = 1))]
    pub partitions: i32,
    /// Retention of messages.
    #[serde(default = "default_retention", with = "humantime_string")]
    #[schemars(schema_with = "humantime_string::schema")]
    pub retention: Duration,
}

impl Topic {
    /// Returns a topic with the default partitions and retention.
    pub fn with_defaults(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            partitions: default_partitions(),
            retention: default_retention(),
        }
    }
}

fn default_partitions() -> i32 {
    3
}

fn default_retention() -> Duration {
    Duration::from_secs(7 * 24 * 3600)
}
