//! Credentials with which tenants log in to the backends. Secrets in the tenants' namespaces hold
//! them.

use std::collections::BTreeMap;
use std::fmt;

pub use akili_core::Credential;
use async_trait::async_trait;

use super::TenantKey;
use crate::error::{Error, Reason};
use crate::password::Password;

/// Store of the tenants' credentials for one backend.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// Returns the tenant's credential, if it has one.
    async fn read(&self, tenant: &TenantKey) -> Result<Option<Credential>, Error>;

    /// Creates the tenant's credential with a new password. An existing one keeps its password,
    /// and its other entries are updated.
    async fn write(&self, tenant: &TenantKey) -> Result<(), Error>;

    /// Marks the tenant's credential as applied to the backend.
    async fn mark(&self, tenant: &TenantKey, mark: &str) -> Result<(), Error>;

    /// Returns the tenant's password, of a credential that was observed before.
    ///
    /// # Errors
    /// `NoCredential` if it is gone.
    async fn password(&self, tenant: &TenantKey) -> Result<Password, Error> {
        let credential = self.read(tenant).await?;
        credential
            .map(|credential| credential.password)
            .ok_or_else(|| {
                Error::new(
                    Reason::NoCredential,
                    format!(
                        "the credential of tenant {} was deleted; the operator creates it again",
                        tenant.slug
                    ),
                )
            })
    }
}

/// Entries of a Secret in clear text, by name. Debug shows `…`.
pub struct Entries(pub BTreeMap<&'static str, String>);

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Layout of the Secret for one backend, as *Service Binding for Kubernetes* prescribes.
pub trait ServiceBinding: Send + Sync {
    /// Returns the Secret's name, such as `akili-postgres`.
    fn secret(&self) -> &'static str;

    /// Returns the entry `type`, which is also the end of the Secret's type, such as `postgresql`.
    fn type_(&self) -> &'static str;

    /// Returns the name of the entry that is secret.
    fn secret_entry(&self) -> &'static str {
        "password"
    }

    /// Returns all entries but `type` and `provider`.
    fn entries(&self, tenant: &TenantKey, password: &Password) -> Entries;
}
