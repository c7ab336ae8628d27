//! What went wrong, on which object, what to do next, and the exit code for it.

use std::fmt;
use std::process::ExitCode;

use akili_crds::{Problem, Tenant};

use crate::problem::problem;

/// Why a command didn't do what it was asked.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    code: u8,
    message: String,
    hint: Option<String>,
    problem: Option<Problem>,
}

impl Failure {
    /// Exit code 1.
    pub fn failed(message: impl Into<String>) -> Self {
        Self {
            code: 1,
            message: message.into(),
            hint: None,
            problem: None,
        }
    }

    /// Exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            code: 2,
            ..Self::failed(message)
        }
    }

    /// Exit code 6.
    pub fn timed_out(message: impl Into<String>) -> Self {
        Self {
            code: 6,
            ..Self::failed(message)
        }
    }

    /// What to do next.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// The exit code.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }

    /// The platform's own problem, if that is what it is.
    pub fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref()
    }

    /// Exit code 5 for a quota, 4 for what a state forbids, 1 for what is in the way.
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

    /// What the API server's answer about this tenant's quota means.
    pub fn about_quota(slug: &str, error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.code == 404 => Self {
                code: 3,
                ..Self::failed(format!("there is no quota of a tenant {slug}"))
            }
            .hint("`akili tenant list` shows all tenants; a new one gets its quota in a moment"),
            error => Self::about_tenant(slug, error),
        }
    }

    /// What the API server's answer about `what`, which is something of this tenant's,
    /// means.
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
                .hint("check whose login and which namespace the kubeconfig's context has"),
            404 => Self { code: 3, ..failure },
            _ => failure,
        }
    }

    fn no_answer(error: &kube::Error) -> Self {
        Self::failed(format!("the API server didn't answer: {error}"))
            .hint("check that the cluster of the current kubeconfig context is up")
    }

    /// What the API server's answer about this tenant means.
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
                    ..Self::failed("this cluster knows no Tenants")
                }
                .hint("install the Akili operator and its custom resource definitions first")
            }
            (404, _) => Self {
                code: 3,
                ..Self::failed(format!("there is no tenant {slug}"))
            }
            .hint("`akili tenant list` shows all tenants"),
            (409, "AlreadyExists") => Self::failed(format!("tenant {slug} exists already"))
                .hint(format!("`akili tenant get {slug}` shows it")),
            (401 | 403, _) => Self {
                code: 4,
                ..Self::failed(format!("denied: {}", status.message))
            }
            .hint("ask an administrator for the ClusterRole akili-admin"),
            _ => Self::failed(format!("tenant {slug}: {}", status.message)),
        }
    }
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
    fn answers_become_exit_codes_and_hints() {
        for (code, reason, exit, text) in [
            (
                404,
                "NotFound",
                3,
                "error: there is no tenant acme\nhint: `akili tenant list` shows all tenants",
            ),
            (
                409,
                "AlreadyExists",
                1,
                "error: tenant acme exists already\nhint: `akili tenant get acme` shows it",
            ),
            (
                403,
                "Forbidden",
                4,
                "error: denied: no\nhint: ask an administrator for the ClusterRole akili-admin",
            ),
            (422, "Invalid", 1, "error: tenant acme: no"),
        ] {
            let status = Status::failure("no", reason).with_code(code);
            let failure = Failure::about_tenant("acme", &kube::Error::Api(status.boxed()));
            assert_eq!((failure.code, failure.to_string().as_str()), (exit, text));
        }
    }
}
