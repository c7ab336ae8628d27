//! Users, roles and passwords.

use std::{
    collections::BTreeSet,
    fmt::{self, Display},
};

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde::{Deserialize, Serialize};

use crate::privileges::Grants;

/// A user by name and by where it may come from. Only `%` is ever matched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub struct Identity {
    /// The name.
    pub name: String,
    /// The host; `%` for any.
    pub host: String,
}

impl Identity {
    /// A user from anywhere.
    pub fn of(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            host: "%".to_owned(),
        }
    }

    /// The user that every cluster has.
    pub fn root() -> Self {
        Self::of("root")
    }
}

impl Display for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "'{}'@'{}'", self.name, self.host)
    }
}

impl From<Identity> for String {
    fn from(user: Identity) -> Self {
        format!("{}@{}", user.name, user.host)
    }
}

impl From<String> for Identity {
    fn from(written: String) -> Self {
        let (name, host) = written.split_once('@').unwrap_or((&written, "%"));
        Self {
            name: name.to_owned(),
            host: host.to_owned(),
        }
    }
}

/// A user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// None needs none.
    pub password: Option<PasswordHash>,
    /// The roles that it has.
    pub roles: BTreeSet<String>,
    /// Those of them that are active when it logs in.
    pub default_roles: DefaultRoles,
    /// What it may do without any role.
    pub grants: Grants,
}

/// Which of a user's roles are active when it logs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DefaultRoles {
    /// Every one that it has, later ones too.
    All,
    /// These, as long as it has them.
    These(BTreeSet<String>),
}

/// A role.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// The roles that it has.
    pub roles: BTreeSet<String>,
    /// What it may do by itself.
    pub grants: Grants,
}

/// The SHA-1 of the SHA-1 of a password, in hexadecimal: what MySQL's native
/// authentication needs to know of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Of a password in clear.
    pub fn of(password: &str) -> Self {
        let hash = sha1(&[&sha1(&[password.as_bytes()])]);
        let hash = hash.iter().map(|byte| format!("{byte:02x}"));
        Self(hash.collect())
    }

    /// As `IDENTIFIED BY PASSWORD` takes it: `*` and 40 hexadecimal digits.
    pub fn written(hash: &str) -> Option<Self> {
        let digits = hash.strip_prefix('*')?;
        let is_hash = digits.len() == 40 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hash.then(|| Self(digits.to_lowercase()))
    }

    /// Whether `response` answers `salt` as only one who knows the password can: it is
    /// SHA-1(password) XOR SHA-1(salt, SHA-1(SHA-1(password))).
    pub fn accepts(&self, salt: &[u8], response: &[u8]) -> bool {
        let Some(stored) = self.bytes() else {
            return false;
        };
        let mask = sha1(&[salt, &stored]);
        let once: Vec<u8> = response
            .iter()
            .zip(mask)
            .map(|(byte, mask)| byte ^ mask)
            .collect();
        response.len() == stored.len() && sha1(&[&once]) == stored
    }

    fn bytes(&self) -> Option<Vec<u8>> {
        let byte = |at| u8::from_str_radix(self.0.get(at..at + 2)?, 16).ok();
        (0..self.0.len()).step_by(2).map(byte).collect()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordHash(…)")
    }
}

fn sha1(parts: &[&[u8]]) -> Vec<u8> {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, &parts.concat())
        .as_ref()
        .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_proven_with_mysqls_native_scramble() {
        let salt = *b"abcdefghijklmnopqrst";
        let scramble = |password: &[u8]| {
            mysql_common::scramble::scramble_native(&salt, password).expect("it isn't empty")
        };
        let hash = PasswordHash::of("right");
        assert!(hash.accepts(&salt, &scramble(b"right")));
        assert!(!hash.accepts(&salt, &scramble(b"wrong")));
        assert!(!hash.accepts(&salt, &[]));
    }

    #[test]
    fn a_written_hash_is_taken_only_in_its_form() {
        let of_123456 = "*6BB4837EB74329105EE4568DDA7DC67ED2CA2AD9";
        assert_eq!(
            PasswordHash::written(of_123456),
            Some(PasswordHash::of("123456"))
        );
        assert_eq!(PasswordHash::written("123456"), None);
    }
}
