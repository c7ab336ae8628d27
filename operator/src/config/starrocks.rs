//! `starrocks`: the platform's StarRocks.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{ConfigError, authority, secret};
use crate::backend::starrocks::service_binding::ConnectionInfo;
use crate::password::Password;

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
    /// metastore that all share. Without either, everybody would see the names of
    /// everybody's tables: only an iceberg.catalog.type of hadoop, which has no metastore
    /// but the warehouse, needs none.
    #[serde(deserialize_with = "catalog_properties")]
    pub properties: BTreeMap<String, String>,
}

impl StarRocks {
    /// Where the operator and tenants find it.
    ///
    /// # Errors
    /// The certificate authority can't be read.
    pub fn address(&self) -> Result<ConnectionInfo, ConfigError> {
        Ok(ConnectionInfo {
            host: self.host.clone(),
            port: self.port,
            ca: authority(self.ca_file.as_deref(), "starrocks.caFile")?,
        })
    }
}

/// Properties that keep tenants apart.
fn catalog_properties<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let properties = BTreeMap::deserialize(deserializer)?;
    match objection(&properties) {
        None => Ok(properties),
        Some(objection) => Err(D::Error::custom(objection)),
    }
}

fn objection(properties: &BTreeMap<String, String>) -> Option<String> {
    let is_operators = |key: &&String| {
        ["type", "iceberg.catalog.warehouse"].contains(&key.as_str()) || key.starts_with("aws.s3.")
    };
    if let Some(key) = properties.keys().find(is_operators) {
        return Some(format!(
            "{key} is the operator's to set for each tenant: leave it out"
        ));
    }
    let Some(catalog_type) = properties.get("iceberg.catalog.type") else {
        return Some(
            "iceberg.catalog.type is missing: say rest, hive, jdbc, glue or hadoop".into(),
        );
    };
    let is_tenants = |value: &String| value.contains("{id}") || value.contains("{slug}");
    let shared = catalog_type != "hadoop" && !properties.values().any(is_tenants);
    shared.then(|| {
        format!(
            "no property has {{id}} or {{slug}}, so that all tenants would share one {catalog_type} \
             metastore: give each its own, such as iceberg.catalog.uri: https://iceberg/{{slug}}"
        )
    })
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
    fn properties_that_do_not_keep_tenants_apart_are_refused() {
        let rest = ("iceberg.catalog.type", "rest");
        let own = ("iceberg.catalog.uri", "https://iceberg/{slug}");
        for (properties, hint) in [
            (&[rest, own][..], None),
            (
                &[rest, ("iceberg.catalog.uri", "https://{id}.iceberg")],
                None,
            ),
            (&[("iceberg.catalog.type", "hadoop")], None),
            (
                &[rest, ("iceberg.catalog.uri", "https://iceberg")],
                Some("no property has {id} or {slug}"),
            ),
            (&[own], Some("iceberg.catalog.type is missing")),
            (
                &[rest, own, ("type", "hive")],
                Some("type is the operator's"),
            ),
            (
                &[rest, own, ("iceberg.catalog.warehouse", "s3://{id}")],
                Some("iceberg.catalog.warehouse is the operator's"),
            ),
            (
                &[rest, own, ("aws.s3.use_instance_profile", "true")],
                Some("aws.s3.use_instance_profile is the operator's"),
            ),
        ] {
            let pairs = properties.iter();
            let pairs = pairs.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            let objection = objection(&pairs.collect());
            match (&objection, hint) {
                (None, None) => {}
                (Some(objection), Some(hint)) if objection.contains(hint) => {}
                _ => panic!("{properties:?}: {objection:?}"),
            }
        }
    }
}
