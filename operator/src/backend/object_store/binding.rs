//! The Secret `akili-object-store`: how a tenant's pods and people reach their objects.

use super::super::credentials::{Binding, Entries};
use crate::backend::TenantKey;
use crate::password::Password;

/// Where tenants find the platform's object store.
#[derive(Clone, Debug)]
pub struct Address {
    /// URL of S3, path style.
    pub endpoint: String,
    /// The region that requests are signed for.
    pub region: String,
    /// The bucket that all tenants share.
    pub bucket: String,
    /// The certificate authority of the server, in PEM.
    pub ca: Option<String>,
}

impl Binding for Address {
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
