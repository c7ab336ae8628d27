//! What can go wrong with a backend, sorted by what is to be done about it.

use std::fmt;

/// The reason of every error that says that a backend doesn't answer.
pub const UNREACHABLE: &str = "Unreachable";

/// The reason of every error that says that a backend refuses the operator's login.
pub const LOGIN_REFUSED: &str = "LoginRefused";

/// The reason of every error that says that what has the tenant's name is another's.
pub const OWNED_BY_ANOTHER: &str = "OwnedByAnother";

/// The reason of every error that says that a tenant is archived for ever, whatever its
/// Tenant wants.
pub const TENANT_ARCHIVED: &str = "TenantArchived";

/// The reason of everything that says that a tenant's purge goes on.
pub const PURGING: &str = "Purging";

/// What is to be done about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Somebody else wrote at the same time: try again, quietly.
    Conflict,
    /// It may work in a moment: try again, later and later.
    Transient,
    /// The backend is still busy with what was asked: look again soon. Not an error.
    Pending,
    /// It can't work until the Tenant, or what another owns, changes.
    Invalid,
    /// It can't work until the operator's own login or privileges change.
    Operator,
}

impl Class {
    /// The word for it in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Transient => "transient",
            Self::Pending => "pending",
            Self::Invalid => "invalid",
            Self::Operator => "operator",
        }
    }
}

/// An error of a backend: it knows its class and says what failed, on which
/// object, and what to do next. Never a secret.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What is to be done about it.
    pub class: Class,
    /// CamelCase, for conditions, events and metrics; from a closed list.
    pub reason: &'static str,
    /// For people.
    pub message: String,
}

impl Error {
    /// An error of this class and reason, with a message for people.
    pub fn new(class: Class, reason: &'static str, message: impl fmt::Display) -> Self {
        Self {
            class,
            reason,
            message: message.to_string(),
        }
    }
}

impl From<kube::Error> for Error {
    /// Sorts what the API server answered, or that it didn't.
    fn from(error: kube::Error) -> Self {
        let (class, reason) = match &error {
            kube::Error::Api(status) => match status.code {
                409 => (Class::Conflict, "Conflict"),
                401 | 403 => (Class::Operator, "Forbidden"),
                429 | 500.. => (Class::Transient, "ApiServerBusy"),
                _ => (Class::Invalid, "Refused"),
            },
            _ => (Class::Transient, "ApiServerUnreachable"),
        };
        let said = match &error {
            kube::Error::Api(status) => status.message.clone(),
            other => other.to_string(),
        };
        Self::new(class, reason, format!("the API server: {said}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    #[test]
    fn answers_of_the_api_server_have_a_class() {
        for (code, class) in [
            (409, Class::Conflict),
            (401, Class::Operator),
            (403, Class::Operator),
            (429, Class::Transient),
            (500, Class::Transient),
            (503, Class::Transient),
            (422, Class::Invalid),
        ] {
            let status = Status::failure("no", "Reason").with_code(code);
            let error = Error::from(kube::Error::Api(status.boxed()));
            assert_eq!(error.class, class, "{code}");
            assert_eq!(error.message, "the API server: no");
        }
    }
}
