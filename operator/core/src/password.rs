//! Passwords, which no log line, error or status may contain.

use std::fmt;

use sha2::{Digest, Sha256};

/// A password. `Debug` prints `…`.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Returns the password in clear, for its backend or its Secret.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the mark of a credential Secret (`akili.io/applied`): proof that a backend that
    /// stores the hash `stored` for this login took this password.
    pub fn mark(&self, stored: &str) -> String {
        let digest = Sha256::new()
            .chain_update(self.0.as_bytes())
            .chain_update([0])
            .chain_update(stored.as_bytes())
            .finalize();
        format!("{digest:x}")
    }

    /// Returns the SHA-256 of the password, in hex, to compare two passwords.
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
    fn debug_output_hides_the_password() {
        let password = Password::from("hunter2".to_owned());
        assert_eq!(format!("{password:?}"), "…");
    }

    #[test]
    fn mark_fits_one_password_and_one_stored_hash() {
        let password = Password::from("a".to_owned());
        assert_eq!(password.mark("x"), Password::from("a".to_owned()).mark("x"));
        assert_ne!(password.mark("x"), password.mark("y"));
        assert_ne!(password.mark("x"), Password::from("b".to_owned()).mark("x"));
    }
}
