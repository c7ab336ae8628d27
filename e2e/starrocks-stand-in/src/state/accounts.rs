//! Users, roles and passwords.

use std::{
    collections::BTreeSet,
    fmt::{self, Display},
};

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde::{Deserialize, Serialize};

use crate::privileges::Grants;

/// A user by name and host. Logins match only the host `%`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub struct Identity {
    pub name: String,
    /// `%` means any host.
    pub host: String,
}

impl Identity {
    /// Returns the user `name`@`%`.
    pub fn of(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            host: "%".to_owned(),
        }
    }

    /// Returns the admin of every cluster.
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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// `None`: the user logs in without a password.
    pub password: Option<PasswordHash>,
    pub roles: BTreeSet<String>,
    pub default_roles: DefaultRoles,
    /// Direct grants, without those of its roles.
    pub grants: Grants,
}

/// Roles of a user that are active after the login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DefaultRoles {
    /// All roles, including those granted later.
    All,
    /// These roles, as far as the user has them.
    These(BTreeSet<String>),
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Role {
    pub roles: BTreeSet<String>,
    /// Direct grants, without those of its roles.
    pub grants: Grants,
}

/// The hexadecimal SHA-1 of the SHA-1 of a password, with which MySQL's native
/// authentication verifies logins.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Returns the hash of a password in clear.
    pub fn of(password: &str) -> Self {
        let hash = sha1(&[&sha1(&[password.as_bytes()])]);
        let hash = hash.iter().map(|byte| format!("{byte:02x}"));
        Self(hash.collect())
    }

    /// Parses the form of `IDENTIFIED BY PASSWORD`: `*` and 40 hexadecimal digits.
    pub fn parse(hash: &str) -> Option<Self> {
        let digits = hash.strip_prefix('*')?;
        let is_hash = digits.len() == 40 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hash.then(|| Self(digits.to_lowercase()))
    }

    /// Returns whether `response` proves knowledge of the password: SHA-1(password) XOR
    /// SHA-1(salt, SHA-1(SHA-1(password))).
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
    fn native_scramble_proves_password() {
        let salt = *b"abcdefghijklmnopqrst";
        let scramble = |password: &[u8]| {
            mysql_common::scramble::scramble_native(&salt, password)
                .expect("the password isn't empty")
        };
        let hash = PasswordHash::of("right");
        assert!(hash.accepts(&salt, &scramble(b"right")));
        assert!(!hash.accepts(&salt, &scramble(b"wrong")));
        assert!(!hash.accepts(&salt, &[]));
    }

    #[test]
    fn malformed_password_hash_is_rejected() {
        let of_123456 = "*6BB4837EB74329105EE4568DDA7DC67ED2CA2AD9";
        assert_eq!(
            PasswordHash::parse(of_123456),
            Some(PasswordHash::of("123456"))
        );
        assert_eq!(PasswordHash::parse("123456"), None);
    }
}
