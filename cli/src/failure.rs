//! What went wrong, on which object, what to do next, and the exit code for it.

use std::fmt;
use std::process::ExitCode;

use akili_crds::problem::Problem;
use kube::core::Status;

/// Why a command didn't do what it was asked.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    code: u8,
    message: String,
    hint: Option<String>,
    problem: Option<Problem>,
    json: bool,
}

impl Failure {
    /// Exit code 1.
    pub fn failed(message: impl Into<String>) -> Self {
        Self {
            code: 1,
            message: message.into(),
            hint: None,
            problem: None,
            json: false,
        }
    }

    /// Exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            code: 2,
            ..Self::failed(message)
        }
    }

    /// Exit code 3.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self {
            code: 3,
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

    /// One of the platform's own refusals, which has its document.
    pub fn problem(problem: Problem) -> Self {
        let code = match problem.status {
            429 => 5,
            401 | 403 => 4,
            _ => 1,
        };
        Self {
            code,
            hint: Some(problem.detail.clone()),
            message: problem.title.clone(),
            problem: Some(problem),
            json: false,
        }
    }

    /// To be told as its document, where it has one.
    pub fn in_json(self) -> Self {
        Self { json: true, ..self }
    }

    /// What is to be printed on standard output.
    pub fn document(&self) -> Option<&Problem> {
        self.problem.as_ref().filter(|_| self.json)
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

    /// That nothing came back.
    pub fn no_answer(error: &kube::Error) -> Self {
        Self::failed(format!("the API server didn't answer: {error}"))
            .hint("check that the cluster of the current kubeconfig context is up")
    }

    /// What the API server says of something in a tenant's namespace, in its own words.
    pub fn answered(what: &str, answer: &Status) -> Self {
        let failure = Self::failed(format!("{what}: {}", answer.message));
        match answer.code {
            401 | 403 => Self { code: 4, ..failure }
                .hint("check whose login and which namespace the kubeconfig's context has"),
            404 => Self { code: 3, ..failure },
            _ => failure,
        }
    }

    /// What the API server's answer about this tenant means.
    pub fn about_tenant(slug: &str, error: &kube::Error) -> Self {
        let kube::Error::Api(status) = error else {
            return Self::no_answer(error);
        };
        match (status.code, status.reason.as_str()) {
            (404, _)
                if status
                    .message
                    .contains("the server could not find the requested resource") =>
            {
                Self::not_found("this cluster knows no Tenants")
                    .hint("install the Akili operator and its custom resource definitions first")
            }
            (404, _) => Self::not_found(format!("there is no tenant {slug}"))
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
