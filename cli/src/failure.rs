//! Errors of commands: what failed on which object, a hint, and the exit code.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

use akili_crds::{Problem, Tenant};

use crate::problem::problem;

/// Error of a command.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    code: u8,
    message: String,
    hint: Option<String>,
    problem: Option<Problem>,
}

impl Failure {
    /// Creates an error with exit code 1.
    pub fn failed(message: impl Into<String>) -> Self {
        Self {
            code: 1,
            message: message.into(),
            hint: None,
            problem: None,
        }
    }

    /// Creates an error of usage, with exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            code: 2,
            ..Self::failed(message)
        }
    }

    /// Creates a timeout, with exit code 6.
    pub fn timed_out(message: impl Into<String>) -> Self {
        Self {
            code: 6,
            ..Self::failed(message)
        }
    }

    /// Adds what to do next.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// Returns the exit code.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }

    /// Returns the platform's problem, if the error is one.
    pub fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref()
    }

    /// Exit code 5 for a quota, 4 for a state that forbids the request, else 1.
    fn of(problem: Problem) -> Self {
        Self {
            code: match problem.status {
                429 => 5,
                403 => 4,
                _ => 1,
            },
            message: problem.detail.clone(),
            hint: None,
            problem: Some(problem),
        }
    }

    /// Creates the error for an answer of the API server about this tenant's quota.
    pub fn about_quota(slug: &str, error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.code == 404 => Self {
                code: 3,
                ..Self::failed(format!("quota of tenant {slug} not found"))
            }
            .hint("list the tenants with `akili tenant list`; the operator creates the quota of a new one"),
            error => Self::about_tenant(slug, error),
        }
    }

    /// Creates the error for an answer of the API server about the object `what` of this tenant.
    pub fn about_part(
        what: &str,
        slug: &str,
        tenant: Option<&Tenant>,
        error: &kube::Error,
    ) -> Self {
        let kube::Error::Api(status) = error else {
            return Self::no_answer(error);
        };
        if let Some(problem) = problem(status, slug, tenant) {
            return Self::of(problem);
        }
        let failure = Self::failed(format!("{what}: {}", status.message));
        match status.code {
            401 | 403 => Self { code: 4, ..failure }
                .hint("check the user and the namespace of the current kubeconfig context"),
            404 => Self { code: 3, ..failure },
            _ => failure,
        }
    }

    fn no_answer(error: &kube::Error) -> Self {
        let cause = match error {
            // Only the innermost error says more than that the connection failed.
            kube::Error::Service(error) => innermost(error.as_ref()).to_string(),
            other => other.to_string(),
        };
        Self::failed(format!("the API server did not answer: {cause}"))
            .hint("check that the cluster of the current kubeconfig context is up")
    }

    /// Creates the error for an answer of the API server about this tenant.
    pub fn about_tenant(slug: &str, error: &kube::Error) -> Self {
        let kube::Error::Api(status) = error else {
            return Self::no_answer(error);
        };
        if let Some(problem) = problem(status, slug, None) {
            return Self::of(problem);
        }
        match (status.code, status.reason.as_str()) {
            (404, _)
                if status
                    .message
                    .contains("the server could not find the requested resource") =>
            {
                Self {
                    code: 3,
                    ..Self::failed("this cluster has no resource Tenant")
                }
                .hint("install the Akili operator with its custom resource definitions")
            }
            (404, _) => Self {
                code: 3,
                ..Self::failed(format!("tenant {slug} not found"))
            }
            .hint("list the tenants with `akili tenant list`"),
            (409, "AlreadyExists") => Self::failed(format!("tenant {slug} already exists"))
                .hint(format!("show it with `akili tenant get {slug}`")),
            (401 | 403, _) => Self {
                code: 4,
                ..Self::failed(format!("access to tenants denied: {}", status.message))
            }
            .hint("ask an administrator for the ClusterRole akili-admin"),
            _ => Self::failed(format!("tenant {slug}: {}", status.message)),
        }
    }
}

fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    error.source().map_or(error, innermost)
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        self.hint
            .as_ref()
            .map_or(Ok(()), |hint| write!(f, "\nhint: {hint}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    #[test]
    fn answer_becomes_exit_code_and_hint() {
        for (code, reason, exit, text) in [
            (
                404,
                "NotFound",
                3,
                "error: tenant acme not found\nhint: list the tenants with `akili tenant list`",
            ),
            (
                409,
                "AlreadyExists",
                1,
                "error: tenant acme already exists\nhint: show it with `akili tenant get acme`",
            ),
            (
                403,
                "Forbidden",
                4,
                "error: access to tenants denied: no\nhint: ask an administrator for the ClusterRole akili-admin",
            ),
            (422, "Invalid", 1, "error: tenant acme: no"),
        ] {
            let status = Status::failure("no", reason).with_code(code);
            let failure = Failure::about_tenant("acme", &kube::Error::Api(status.boxed()));
            assert_eq!((failure.code, failure.to_string().as_str()), (exit, text));
        }
    }
}
