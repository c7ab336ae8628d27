//! `objectStore`: the platform's object store, a Ceph object gateway.

use akili_core::humantime_string;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::field::{ConfigError, authority, secret};
use crate::backend::object_store::service_binding::ConnectionInfo;
use crate::password::Password;

/// The platform's object store, a Ceph object gateway.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectStore {
    /// URL of S3 and of the admin API, for the operator and for tenants.
    pub endpoint: String,
    /// Region that requests are signed for.
    #[serde(default = "default_region")]
    pub region: String,
    /// Bucket that all tenants share. The admin creates it; the operator's user owns it.
    pub bucket: String,
    /// Access key of the operator's user.
    #[serde(deserialize_with = "secret")]
    #[schemars(with = "String")]
    pub access_key: Password,
    /// Secret key of the operator's user; set it by its environment variable, not in the file.
    #[serde(deserialize_with = "secret")]
    #[schemars(with = "String")]
    pub secret_key: Password,
    /// File with the certificate authority of the gateway, in PEM; without it, public
    /// authorities are trusted.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Interval at which the storage of every tenant is measured. A tenant over its limit is
    /// measured every minute, if that is more often.
    #[serde(default = "default_measure_interval", with = "humantime_string")]
    #[schemars(schema_with = "humantime_string::schema")]
    pub measure_interval: Duration,
}

impl ObjectStore {
    /// Returns how the operator and tenants connect.
    ///
    /// # Errors
    /// `objectStore.caFile` can't be read.
    pub fn address(&self) -> Result<ConnectionInfo, ConfigError> {
        Ok(ConnectionInfo {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            bucket: self.bucket.clone(),
            ca: authority(self.ca_file.as_deref(), "objectStore.caFile")?,
        })
    }
}

fn default_measure_interval() -> Duration {
    Duration::from_secs(15 * 60)
}

fn default_region() -> String {
    "us-east-1".into()
}
