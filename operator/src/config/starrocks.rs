//! `starrocks`: the platform's StarRocks.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::field::{ConfigError, authority, secret};
use crate::backend::starrocks::service_binding::ConnectionInfo;
use crate::password::Password;

/// The platform's StarRocks.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StarRocks {
    /// Host of a frontend, for the operator and for tenants.
    pub host: String,
    /// Port of the frontend for MySQL's protocol.
    #[serde(default = "default_port")]
    pub port: u16,
    /// User of the operator.
    #[serde(default = "default_user")]
    pub user: String,
    /// Password of the operator's user; set it by its environment variable, not in the file.
    #[serde(deserialize_with = "secret")]
    #[schemars(with = "String")]
    pub password: Password,
    /// File with the certificate authority of the frontend, in PEM; without it, connections
    /// are not encrypted.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Iceberg catalog of each tenant.
    pub catalog: Catalog,
}

/// The Iceberg catalog that each tenant gets.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Catalog {
    /// Properties of the catalog, without those that the operator sets (type, the warehouse
    /// with the tenant's prefix, and the connection to the object store with the tenant's own
    /// key). In a value, {id} and {slug} stand for the tenant's: use one of them to give each
    /// tenant a namespace of its own in a shared metastore, or tenants would see the names of
    /// each other's tables. Only the iceberg.catalog.type hadoop, whose metastore is the
    /// warehouse, needs neither.
    #[serde(deserialize_with = "catalog_properties")]
    pub properties: BTreeMap<String, String>,
}

impl StarRocks {
    /// Returns how the operator and tenants connect.
    ///
    /// # Errors
    /// `starrocks.caFile` can't be read.
    pub fn address(&self) -> Result<ConnectionInfo, ConfigError> {
        Ok(ConnectionInfo {
            host: self.host.clone(),
            port: self.port,
            ca: authority(self.ca_file.as_deref(), "starrocks.caFile")?,
        })
    }
}

/// Deserializes the properties; rejects those that would not isolate tenants.
fn catalog_properties<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let properties = BTreeMap::deserialize(deserializer)?;
    match violation(&properties) {
        None => Ok(properties),
        Some(violation) => Err(D::Error::custom(violation)),
    }
}

fn violation(properties: &BTreeMap<String, String>) -> Option<String> {
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
            "iceberg.catalog.type is missing: set it to rest, hive, jdbc, glue or hadoop".into(),
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
    fn properties_that_do_not_isolate_tenants_are_rejected() {
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
            let violation = violation(&pairs.collect());
            match (&violation, hint) {
                (None, None) => {}
                (Some(violation), Some(hint)) if violation.contains(hint) => {}
                _ => panic!("{properties:?}: {violation:?}"),
            }
        }
    }
}
