//! Layout of the Secret `akili-object-store`, with which a tenant's pods and users connect.

use super::super::credentials::{Entries, ServiceBinding};
use crate::backend::TenantKey;
use crate::password::Password;

/// Connection details of the platform's object store.
#[derive(Clone, Debug)]
pub struct ConnectionInfo {
    /// URL of the S3 endpoint, path style.
    pub endpoint: String,
    /// Region that requests are signed for.
    pub region: String,
    /// Bucket that all tenants share.
    pub bucket: String,
    /// Certificate authority of the server, in PEM.
    pub ca: Option<String>,
}

impl ServiceBinding for ConnectionInfo {
    fn secret(&self) -> &'static str {
        "akili-object-store"
    }

    fn type_(&self) -> &'static str {
        "s3"
    }

    fn secret_entry(&self) -> &'static str {
        "secret-access-key"
    }

    fn entries(&self, tenant: &TenantKey, password: &Password) -> Entries {
        let ca = self.ca.iter().map(|ca| ("ca.crt", ca.clone()));
        let entries = [
            ("endpoint", self.endpoint.clone()),
            ("region", self.region.clone()),
            ("bucket", self.bucket.clone()),
            ("prefix", tenant.id.object_prefix()),
            ("access-key-id", tenant.id.object_store_access_key()),
            ("secret-access-key", password.expose().to_owned()),
        ];
        Entries(entries.into_iter().chain(ca).collect())
    }
}
