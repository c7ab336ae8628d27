//! `kafka`: the platform's Kafka or Redpanda.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ConfigError, authority, secret};
use crate::backend::kafka::service_binding::ConnectionInfo;
use crate::password::Password;
use akili_core::kafka::settings::{SecurityProtocol, Topic};

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

impl Kafka {
    /// Returns how the operator and tenants connect.
    ///
    /// # Errors
    /// The certificate authority can't be read.
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
