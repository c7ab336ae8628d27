//! `starrocks`: the platform's StarRocks.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ConfigError, authority, secret};
use crate::secret::Password;

/// The platform's StarRocks.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StarRocks {
    /// Name or address of a frontend, for the operator and for tenants.
    pub host: String,
    /// Its port for MySQL's protocol.
    #[serde(default = "default_port")]
    pub port: u16,
    /// The operator's user.
    #[serde(default = "default_user")]
    pub user: String,
    /// The password of the operator's user; by environment rather than in the file.
    #[serde(deserialize_with = "secret")]
    #[schemars(with = "String")]
    pub password: Password,
    /// The certificate authority of the frontend, in PEM; without one the connection
    /// isn't encrypted.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The Iceberg catalog that each tenant gets.
    pub catalog: Catalog,
}

/// The Iceberg catalog that each tenant gets.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Catalog {
    /// Its properties beside those that the operator sets (type, the warehouse below the
    /// tenant's prefix, and the way to the object store with the tenant's own key). In a
    /// value, {id} and {slug} are the tenant's: give each its own namespace of a
    /// metastore that all share.
    pub properties: BTreeMap<String, String>,
}

impl StarRocks {
    /// The certificate authority of the frontend, in PEM.
    ///
    /// # Errors
    /// It can't be read.
    pub fn ca(&self) -> Result<Option<String>, ConfigError> {
        authority(self.ca_file.as_deref(), "starrocks.caFile")
    }
}

fn default_port() -> u16 {
    9030
}

fn default_user() -> String {
    "akili_operator".into()
}
