//! Errors of the operator.

use std::fmt;

use crate::reason::{Class, Reason};

/// Failure of one operation. The message names what failed, on which object, and the next
/// step; it never contains a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    pub reason: Reason,
    /// For people.
    pub message: String,
}

impl Error {
    pub fn new(reason: Reason, message: impl fmt::Display) -> Self {
        Self {
            reason,
            message: message.to_string(),
        }
    }

    pub fn class(&self) -> Class {
        self.reason.class()
    }
}
