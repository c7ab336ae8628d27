//! Errors of StarRocks by reason, with the next step.

use mysql_async::{DriverError, Error as MysqlError, ServerError};

use crate::error::{Error, Reason};

/// Error code of a rejected login.
pub const ACCESS_DENIED: u16 = 1045;

/// Error code of KILL for a connection that doesn't exist.
pub const NO_SUCH_CONNECTION: u16 = 1094;

/// Converts an error of a statement to the operator's error. A message of StarRocks may quote
/// the statement: if that is `secret`, only the error code is included.
pub fn explain(operation: &str, error: &MysqlError, secret: bool) -> Error {
    let (reason, advice) = sort(error);
    let cause = match error {
        MysqlError::Server(error) if secret => format!("error {}", error.code),
        MysqlError::Server(error) => format!("{} (error {})", error.message, error.code),
        other => other.to_string(),
    };
    Error::new(reason, format!("StarRocks: {operation}: {cause}; {advice}"))
}

/// Creates the error for an answer that differs from StarRocks' documentation.
pub fn unexpected(operation: &str, what: &str) -> Error {
    Error::new(
        Reason::Unsupported,
        format!("StarRocks: {operation}: {what}; use StarRocks 3.3.5 or later"),
    )
}

/// A reason and the next step.
type Sorted = (Reason, &'static str);

const DOWN: Sorted = (
    Reason::Unreachable,
    "check starrocks.host and that the frontend runs; retrying",
);

const GONE: Sorted = (Reason::Gone, "the operator creates it again");

fn sort(error: &MysqlError) -> Sorted {
    match error {
        MysqlError::Server(error) => sort_server_error(error),
        MysqlError::Driver(DriverError::NoClientSslFlagFromServer) => (
            Reason::NoTls,
            "configure a certificate on the frontend, or remove starrocks.caFile",
        ),
        other if other.to_string().contains("ertificate") => (
            Reason::CertificateRefused,
            "check starrocks.caFile and the frontend's certificate",
        ),
        _ => DOWN,
    }
}

fn sort_server_error(error: &ServerError) -> Sorted {
    match error.code {
        ACCESS_DENIED => (
            Reason::LoginRefused,
            "check starrocks.user and starrocks.password",
        ),
        5203 => (
            Reason::PrivilegeMissing,
            "run `akili-operator check`, which lists the missing grants of the operator's user",
        ),
        // Unknown catalogs, databases, tables, resource groups.
        5078 | 5501 | 5502 | 5079 => GONE,
        5514 => (Reason::Conflict, "retrying"),
        // Too many connections, or the frontend is not the leader or not ready.
        1040 | 1203 => (
            Reason::StarRocksBusy,
            "raise max_user_connections of the operator's user; retrying",
        ),
        _ => (Reason::Refused, "check the frontend's fe.log"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Class;

    fn server_error(code: u16) -> MysqlError {
        MysqlError::Server(ServerError {
            code,
            message: "near 'hunter2'".into(),
            state: "HY000".into(),
        })
    }

    #[test]
    fn every_code_has_class_and_reason() {
        for (code, class, reason) in [
            (1045, Class::Operator, Reason::LoginRefused),
            (5203, Class::Operator, Reason::PrivilegeMissing),
            (1064, Class::Operator, Reason::Refused),
            (5078, Class::Transient, Reason::Gone),
            (5079, Class::Transient, Reason::Gone),
            (5514, Class::Transient, Reason::Conflict),
            (1203, Class::Transient, Reason::StarRocksBusy),
        ] {
            let error = explain("creating the role", &server_error(code), false);
            assert_eq!((error.class(), error.reason), (class, reason), "{code}");
            assert!(
                error
                    .message
                    .starts_with("StarRocks: creating the role: near"),
                "{error}"
            );
        }
        let gone = MysqlError::Driver(DriverError::ConnectionClosed);
        let error = explain("creating the role", &gone, false);
        assert_eq!(
            (error.class(), error.reason),
            (Class::Transient, Reason::Unreachable)
        );
    }

    #[test]
    fn error_of_secret_statement_has_only_its_code() {
        let error = explain("setting the password", &server_error(1064), true);
        assert!(!error.message.contains("hunter2"), "{error}");
        assert!(error.message.contains("error 1064"), "{error}");
    }
}
