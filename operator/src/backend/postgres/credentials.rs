//! The passwords of tenants' logins, which live in Secrets of their namespaces.

use async_trait::async_trait;

use crate::backend::TenantKey;
use crate::error::Error;
use crate::secret::Password;

/// What a tenant's Secret `akili-postgres` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The password.
    pub password: Password,
    /// The Secret's annotation `akili.io/applied`.
    pub mark: Option<String>,
}

impl Credential {
    /// Whether PostgreSQL took this password and stores it as this hash.
    pub fn is_marked_for(&self, stored: &str) -> bool {
        self.mark.as_ref() == Some(&self.password.mark(stored))
    }
}

/// Where the passwords are kept.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// The tenant's, if it has one.
    async fn read(&self, tenant: &TenantKey) -> Result<Option<Credential>, Error>;

    /// Gives the tenant a new one; one that is there already stays.
    async fn create(&self, tenant: &TenantKey, password: &Password) -> Result<(), Error>;

    /// Notes on the tenant's that PostgreSQL took it.
    async fn mark(&self, tenant: &TenantKey, mark: &str) -> Result<(), Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_fits_one_stored_hash_only() {
        let password = Password::from("x".to_owned());
        let mark = Some(password.mark("stored"));
        let credential = Credential { password, mark };
        assert!(credential.is_marked_for("stored"));
        assert!(!credential.is_marked_for("other"));
        assert!(
            !Credential {
                mark: None,
                ..credential
            }
            .is_marked_for("stored")
        );
    }
}
