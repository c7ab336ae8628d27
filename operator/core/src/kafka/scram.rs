//! SCRAM credentials as Kafka shows them: without the password.

use std::fmt;

/// A SCRAM credential of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScramCredential {
    pub mechanism: Mechanism,
    /// Number of hash iterations; Kafka accepts 4096 to 16384.
    pub iterations: i32,
}

/// A SCRAM mechanism. `Unknown` stands for one that librdkafka has no name for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mechanism {
    Sha256,
    Sha512,
    Unknown,
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha512 => "SCRAM-SHA-512",
            Self::Unknown => "unknown",
        })
    }
}
