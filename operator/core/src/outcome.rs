//! Outcome of converging one backend for one tenant.

use crate::error::Error;
use crate::reason::{Class, Reason, StatusReason};

/// Steps that were applied, and how far the backend got.
#[derive(Debug)]
pub struct Convergence {
    /// Applied steps in order, for events; empty if there was nothing to do.
    pub changed: Vec<String>,
    pub outcome: Outcome,
}

impl Convergence {
    /// Returns the outcome's label in metrics: `unchanged`, `changed`, or the class of
    /// what is missing.
    pub fn as_str(&self) -> &'static str {
        match self.outcome.shortfall() {
            Some(shortfall) => shortfall.reason.class().as_str(),
            None if self.changed.is_empty() => "unchanged",
            None => "changed",
        }
    }
}

/// How far a backend got towards the desired state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The backend holds the desired state, perhaps with a notice for people.
    Converged {
        notice: Option<Notice>,
    },
    /// The backend is still working on it. Not an error.
    Pending {
        reason: Reason,
        message: String,
    },
    Failed(Error),
}

impl Outcome {
    pub fn pending(reason: Reason, message: impl Into<String>) -> Self {
        Self::Pending {
            reason,
            message: message.into(),
        }
    }

    pub fn is_converged(&self) -> bool {
        matches!(self, Self::Converged { .. })
    }

    /// Returns why the backend is not in the desired state; none if it is.
    pub fn shortfall(&self) -> Option<Shortfall<'_>> {
        match self {
            Self::Converged { .. } => None,
            Self::Pending { reason, message } => Some(Shortfall {
                reason: *reason,
                message,
            }),
            Self::Failed(error) => Some(error.into()),
        }
    }
}

/// A backend that answers that it is still busy did not fail.
impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        match error.class() {
            Class::Pending => Self::pending(error.reason, error.message),
            _ => Self::Failed(error),
        }
    }
}

/// Why the desired state is not reached: still pending, or failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortfall<'a> {
    pub reason: Reason,
    pub message: &'a str,
}

impl<'a> From<&'a Error> for Shortfall<'a> {
    fn from(error: &'a Error) -> Self {
        Self {
            reason: error.reason,
            message: &error.message,
        }
    }
}

/// Something that people should know although the backend has converged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub reason: StatusReason,
    /// For people.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_of_class_pending_is_no_failure() {
        let busy = Outcome::from(Error::new(Reason::GroupInUse, "group a has members"));
        assert_eq!(
            busy,
            Outcome::pending(Reason::GroupInUse, "group a has members")
        );
        let failed = Error::new(Reason::Unreachable, "connection refused");
        assert_eq!(Outcome::from(failed.clone()), Outcome::Failed(failed));
    }

    #[test]
    fn metric_label_names_the_class_or_whether_anything_changed() {
        let label = |changed: &[&str], outcome: Outcome| {
            let changed = changed.iter().map(|step| (*step).to_owned()).collect();
            Convergence { changed, outcome }.as_str()
        };
        let converged = Outcome::Converged { notice: None };
        assert_eq!(label(&[], converged.clone()), "unchanged");
        assert_eq!(label(&["create role"], converged), "changed");
        let pending = Outcome::pending(Reason::Purging, "2 objects left");
        assert_eq!(label(&["delete objects"], pending), "pending");
        let failed = Error::new(Reason::LoginRefused, "wrong password");
        assert_eq!(label(&[], failed.into()), "operator");
    }
}
