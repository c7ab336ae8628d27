//! Content of a credential's Secret.

use crate::password::Password;

/// Credential of a tenant for one backend, as its Secret holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The password, or the secret key.
    pub password: Password,
    /// True if the Secret's other entries, such as the server's address, are up to date.
    pub current: bool,
    /// The Secret's annotation `akili.io/applied`.
    pub mark: Option<String>,
}

impl Credential {
    /// Returns whether the backend took this password and stores it as the hash `stored`.
    pub fn is_marked_for(&self, stored: &str) -> bool {
        self.mark.as_ref() == Some(&self.password.mark(stored))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mark_fits_exactly_one_stored_hash() {
        let password = Password::from("x".to_owned());
        let mark = Some(password.mark("stored"));
        let credential = Credential {
            password,
            current: true,
            mark,
        };
        assert!(credential.is_marked_for("stored"));
        assert!(!credential.is_marked_for("other"));
        let unmarked = Credential {
            mark: None,
            ..credential
        };
        assert!(!unmarked.is_marked_for("stored"));
    }
}
