//! Whether a backend is fit for the operator: for `check`.

use async_trait::async_trait;

use crate::error::Error;

/// What was looked at, and how it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at, such as `PostgreSQL version`.
    pub what: &'static str,
    /// Nothing, or what is wrong and what to do.
    pub problem: Option<String>,
    /// Whether the operator can work all the same.
    pub tolerable: bool,
}

impl Check {
    /// Something without which the operator can't work.
    pub fn must(what: &'static str, problem: Option<String>) -> Self {
        Self {
            what,
            problem,
            tolerable: false,
        }
    }

    /// Something that an admin should know.
    pub fn should(what: &'static str, problem: Option<String>) -> Self {
        Self {
            what,
            problem,
            tolerable: true,
        }
    }
}

/// A backend that can be looked at before there is any tenant.
#[async_trait]
pub trait Preflight: Send + Sync {
    /// How people call the way to it, such as `PostgreSQL connection`.
    fn connection(&self) -> &'static str;

    /// Looks at the server and at the operator's own privileges.
    ///
    /// # Errors
    /// It can't be reached, or refuses the operator's login.
    async fn preflight(&self) -> Result<Vec<Check>, Error>;
}
