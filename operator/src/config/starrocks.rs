//! `starrocks`: the platform's StarRocks.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ConfigError, authority, secret, variable};
use crate::backend::object_store::binding as object_store;
use crate::backend::starrocks::binding::Address;
use crate::backend::starrocks::catalog::Template;
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

/// What the operator sets itself, beside everything that begins with `aws.s3.`.
const OWN_PROPERTIES: [&str; 2] = ["type", "iceberg.catalog.warehouse"];

impl StarRocks {
    /// Where the operator and tenants find it.
    ///
    /// # Errors
    /// The certificate authority can't be read.
    pub fn address(&self) -> Result<Address, ConfigError> {
        Ok(Address {
            host: self.host.clone(),
            port: self.port,
            ca: authority(self.ca_file.as_deref(), "starrocks.caFile")?,
        })
    }

    /// What tenants' catalogs are made of, with their files in this object store.
    ///
    /// # Errors
    /// A property is the operator's to set.
    pub fn template(&self, object_store: object_store::Address) -> Result<Template, ConfigError> {
        let own =
            |key: &&String| OWN_PROPERTIES.contains(&key.as_str()) || key.starts_with("aws.s3.");
        if let Some(property) = self.catalog.properties.keys().find(own) {
            let key = "starrocks.catalog.properties";
            return Err(ConfigError::Key {
                key: key.into(),
                message: format!("{property} is set for each tenant by the operator: leave it out"),
                variable: variable(key),
            });
        }
        Ok(Template {
            properties: self.catalog.properties.clone(),
            object_store,
        })
    }
}

fn default_port() -> u16 {
    9030
}

fn default_user() -> String {
    "akili_operator".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_that_the_operator_sets_is_refused() {
        for (property, refused) in [
            ("iceberg.catalog.uri", false),
            ("iceberg.catalog.warehouse", true),
            ("aws.s3.secret_key", true),
            ("type", true),
        ] {
            let config: StarRocks = serde_json::from_value(serde_json::json!({
                "host": "sr", "password": "x", "catalog": {"properties": {property: "{id}"}},
            }))
            .unwrap();
            let object_store = object_store::Address {
                endpoint: String::new(),
                region: String::new(),
                bucket: String::new(),
                ca: None,
            };
            assert_eq!(
                config.template(object_store).is_err(),
                refused,
                "{property}"
            );
        }
    }
}
