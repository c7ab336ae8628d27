//! Errors, secrets and files, which the parts of the configuration share.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::password::Password;

/// Prefix of the environment variables that set keys.
pub const PREFIX: &str = "AKILI_";
/// Separator of nested keys in these variables.
pub const SEPARATOR: &str = "__";

/// Error in the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("can't read the configuration {path}: {source}")]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    /// The file isn't YAML.
    #[error("the configuration {path} isn't YAML: {message}")]
    NotYaml {
        path: PathBuf,
        /// The parser's message, with the position.
        message: String,
    },
    /// A key is missing, unknown or of the wrong type.
    #[error(
        "configuration key {key}: {message}; set it in the file, or by the variable {variable}"
    )]
    Key {
        /// Such as postgres.port.
        key: String,
        message: String,
        variable: String,
    },
}

/// Returns the environment variable that sets this key.
pub fn variable(key: &str) -> String {
    let mut name = PREFIX.to_owned();
    for c in key.chars() {
        match c {
            '.' => name.push_str(SEPARATOR),
            c if c.is_ascii_uppercase() => name.extend(['_', c]),
            c => name.push(c.to_ascii_uppercase()),
        }
    }
    name
}

/// Reads the certificate authority from the file that this key names, in PEM.
pub fn authority(file: Option<&Path>, key: &str) -> Result<Option<String>, ConfigError> {
    let read = |file: &Path| {
        std::fs::read_to_string(file).map_err(|source| ConfigError::Key {
            key: key.into(),
            message: format!("can't read {}: {source}", file.display()),
            variable: variable(key),
        })
    };
    file.map(read).transpose()
}

/// Deserializes a password, which looks like a number if an environment variable sets it to one.
pub fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Password, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) if !text.is_empty() => Ok(Password::from(text)),
        Value::Number(number) => Ok(Password::from(number.to_string())),
        _ => Err(serde::de::Error::custom("a password is needed")),
    }
}
