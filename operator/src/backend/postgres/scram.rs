//! Passwords as PostgreSQL stores them, so that it never sees one in clear.

use std::fmt;
use std::num::NonZeroU32;

use akili_crds::TenantId;
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use ring::{digest, hmac, pbkdf2};

/// PostgreSQL's own default.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).unwrap();

/// A SCRAM-SHA-256 verifier (RFC 5803): enough to check a password, and to try
/// many in vain.
///
/// The same password of the same tenant gives the same verifier: so what is stored
/// can be compared with what the Secret says, without a note of what was set.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier(String);

impl Verifier {
    /// The verifier of a password that the operator made: random, printable ASCII.
    pub fn new(tenant: TenantId, password: &str) -> Self {
        // Different for each tenant is what a salt has to be.
        let salt = digest::digest(&digest::SHA256, tenant.postgres_role().as_bytes());
        let salt = salt.as_ref().split_at(16).0;

        let mut salted = [0; digest::SHA256_OUTPUT_LEN];
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            ITERATIONS,
            salt,
            password.as_bytes(),
            &mut salted,
        );
        let salted = hmac::Key::new(hmac::HMAC_SHA256, &salted);
        let client_key = hmac::sign(&salted, b"Client Key");
        let stored_key = digest::digest(&digest::SHA256, client_key.as_ref());
        let server_key = hmac::sign(&salted, b"Server Key");
        Self(format!(
            "SCRAM-SHA-256${ITERATIONS}:{}${}:{}",
            BASE64.encode(salt),
            BASE64.encode(stored_key),
            BASE64.encode(server_key),
        ))
    }

    /// What `ALTER ROLE … PASSWORD` takes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What `akili_guard.tenant_logins` shows of it: its SHA-256 in hex.
    pub fn sha256(&self) -> String {
        digest::digest(&digest::SHA256, self.0.as_bytes())
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(id: &str) -> TenantId {
        id.parse().unwrap()
    }

    #[test]
    fn it_is_what_postgresql_makes_of_the_same_password_and_salt() {
        let id = tenant("550e8400-e29b-41d4-a716-446655440000");
        // Computed apart from this code, with Python's hashlib.pbkdf2_hmac and hmac.
        let expected = "SCRAM-SHA-256$4096:pf4UosuR6CVmpCRi1p9t+A==$GHaheHorgXGQEzhmUw5nBCMcIcywE0XG2y93VLsRZYA=:6ECu8OYtfKrTyUa811LTD4ssOzGUOTv77bhhLXpUzEs=";
        assert_eq!(Verifier::new(id, "pencil").as_str(), expected);
    }

    #[test]
    fn it_differs_by_tenant_and_by_password() {
        let one = tenant("550e8400-e29b-41d4-a716-446655440000");
        let other = tenant("550e8400-e29b-41d4-a716-446655440001");
        assert_ne!(Verifier::new(one, "a"), Verifier::new(other, "a"));
        assert_ne!(Verifier::new(one, "a"), Verifier::new(one, "b"));
    }

    #[test]
    fn it_is_not_printed() {
        let id = tenant("550e8400-e29b-41d4-a716-446655440000");
        assert_eq!(format!("{:?}", Verifier::new(id, "a")), "Verifier(…)");
    }
}
