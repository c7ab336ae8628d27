//! `kafka`: the platform's Kafka or Redpanda.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::field::{ConfigError, authority, secret};
use crate::backend::kafka::service_binding::ConnectionInfo;
use crate::password::Password;
use akili_core::kafka::settings::{SecurityProtocol, Topic};

/// The platform's Kafka or Redpanda.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kafka {
    /// Bootstrap servers for the operator and for tenants, such as kafka-1:9092,kafka-2:9092.
    pub bootstrap_servers: String,
    /// Security protocol of clients.
    #[serde(default)]
    pub security_protocol: SecurityProtocol,
    /// User of the operator, a super user.
    #[serde(default = "default_user")]
    pub user: String,
    /// Password of the operator's user; set it by its environment variable, not in the file.
    #[serde(deserialize_with = "secret")]
    #[schemars(with = "String")]
    pub password: Password,
    /// File with the certificate authority of the brokers, in PEM; without it, public
    /// authorities are trusted.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Topics that every tenant gets, with its prefix.
    #[serde(default = "default_topics")]
    pub topics: Vec<Topic>,
}

impl Kafka {
    /// Returns the connection settings for the operator and for tenants.
    ///
    /// # Errors
    /// `kafka.caFile` can't be read.
    pub fn address(&self) -> Result<ConnectionInfo, ConfigError> {
        Ok(ConnectionInfo {
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
    vec![Topic::with_defaults("events")]
}
