//! Passwords, which no log line, error or status may show.

use std::fmt;

use rand::distr::{Alphanumeric, SampleString};
use sha2::{Digest, Sha256};

/// Characters of a generated password; with 62 letters and digits about 256 bits.
const LENGTH: usize = 43;

/// A password. Shown as `…`.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// A new random password of letters and digits.
    pub fn random() -> Self {
        Self(Alphanumeric.sample_string(&mut rand::rng(), LENGTH))
    }

    /// The password in clear, for the backend or the Secret that it is meant for.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The mark of a credential Secret (`akili.io/applied`): it shows that a backend
    /// which stores `stored` (a hash of its own) for this login took this password.
    pub fn mark(&self, stored: &str) -> String {
        let digest = Sha256::new()
            .chain_update(self.0.as_bytes())
            .chain_update([0])
            .chain_update(stored.as_bytes())
            .finalize();
        format!("{digest:x}")
    }

    /// SHA-256 of the password, in hex: enough to see whether two are the same.
    pub fn sha256(&self) -> String {
        format!("{:x}", Sha256::digest(self.0.as_bytes()))
    }
}

impl From<String> for Password {
    fn from(password: String) -> Self {
        Self(password)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        let password = Password::from("hunter2".to_owned());
        assert_eq!(format!("{password:?}"), "…");
    }

    #[test]
    fn passwords_are_long_and_differ() {
        let (one, other) = (Password::random(), Password::random());
        assert_eq!(one.expose().len(), LENGTH);
        assert_ne!(one, other);
    }

    #[test]
    fn a_mark_fits_one_password_and_one_stored_hash() {
        let password = Password::from("a".to_owned());
        assert_eq!(password.mark("x"), Password::from("a".to_owned()).mark("x"));
        assert_ne!(password.mark("x"), password.mark("y"));
        assert_ne!(password.mark("x"), Password::from("b".to_owned()).mark("x"));
    }
}
