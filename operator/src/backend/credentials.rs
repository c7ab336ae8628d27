//! The credentials with which tenants log in to the backends, which live in Secrets of
//! their namespaces.

use std::collections::BTreeMap;
use std::fmt;

pub use akili_core::Credential;
use async_trait::async_trait;

use super::TenantKey;
use crate::error::{Error, Reason};
use crate::password::Password;

/// Where the credentials for one backend are kept.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// The tenant's, if it has one.
    async fn read(&self, tenant: &TenantKey) -> Result<Option<Credential>, Error>;

    /// Gives the tenant one with a new password; one that is there keeps its own, and
    /// gets the other entries that it should have.
    async fn write(&self, tenant: &TenantKey) -> Result<(), Error>;

    /// Notes on the tenant's that the backend took it.
    async fn mark(&self, tenant: &TenantKey, mark: &str) -> Result<(), Error>;

    /// The tenant's password, which was there a moment ago.
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
                        "a credential of tenant {} is gone; it is made again",
                        tenant.slug
                    ),
                )
            })
    }
}

/// The entries of a Secret in clear, by name. Shown as `…`.
pub struct Entries(pub BTreeMap<&'static str, String>);

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// How the Secret for one backend is laid out: *Service Binding for Kubernetes*.
pub trait Binding: Send + Sync {
    /// Its name, such as `akili-postgres`.
    fn secret(&self) -> &'static str;

    /// The entry `type`, and the end of the Secret's type: such as `postgresql`.
    fn type_(&self) -> &'static str;

    /// The entry that is secret.
    fn secret_entry(&self) -> &'static str {
        "password"
    }

    /// Its entries but `type` and `provider`.
    fn entries(&self, tenant: &TenantKey, password: &Password) -> Entries;
}
