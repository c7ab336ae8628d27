//! Checks of a backend for `akili-operator check`.

use async_trait::async_trait;

use crate::error::Error;

/// Result of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Subject of the check, such as `PostgreSQL version`.
    pub what: &'static str,
    /// The problem, if there is one, and what to do.
    pub problem: Option<String>,
    /// True if the operator works despite the problem.
    pub tolerable: bool,
}

impl Check {
    /// Creates a check that must pass before the operator can work.
    pub fn must(what: &'static str, problem: Option<String>) -> Self {
        Self {
            what,
            problem,
            tolerable: false,
        }
    }

    /// Creates a check whose problem is a warning.
    pub fn should(what: &'static str, problem: Option<String>) -> Self {
        Self {
            what,
            problem,
            tolerable: true,
        }
    }
}

/// A backend that can be checked before any tenant exists.
#[async_trait]
pub trait Preflight: Send + Sync {
    /// Returns the title of the connection, such as `PostgreSQL connection`.
    fn connection(&self) -> &'static str;

    /// Checks the server and the operator's own privileges.
    ///
    /// # Errors
    /// The backend doesn't answer, or rejects the operator's login.
    async fn preflight(&self) -> Result<Vec<Check>, Error>;
}
