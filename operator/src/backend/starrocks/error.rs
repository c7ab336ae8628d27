//! What StarRocks answers when it refuses, sorted by what is to be done about it.

use mysql_async::{DriverError, Error as MysqlError, ServerError};

use crate::error::{Error, Reason};

/// The number for a login that is refused.
pub const ACCESS_DENIED: u16 = 1045;

/// The number for a connection that isn't there (any more).
pub const NO_SUCH_CONNECTION: u16 = 1094;

/// Explains an error for the operator's own login. What StarRocks says may quote the
/// statement: where that is `secret`, only its number is told.
pub fn explain(doing: &str, error: &MysqlError, secret: bool) -> Error {
    let (reason, advice) = sort(error);
    let said = match error {
        MysqlError::Server(error) if secret => format!("error {}", error.code),
        MysqlError::Server(error) => format!("{} (error {})", error.message, error.code),
        other => other.to_string(),
    };
    Error::new(reason, format!("StarRocks: {doing}: {said}; {advice}"))
}

/// An answer that isn't made as the documentation says.
pub fn unexpected(doing: &str, what: &str) -> Error {
    Error::new(
        Reason::Unsupported,
        format!("StarRocks: {doing}: {what}; version 3.3.5 or later is needed"),
    )
}

/// A class, a reason and the next step.
type Sorted = (Reason, &'static str);

const DOWN: Sorted = (
    Reason::Unreachable,
    "check starrocks.host and that the frontend runs; it is tried again",
);

const GONE: Sorted = (Reason::Gone, "it is made again");

fn sort(error: &MysqlError) -> Sorted {
    match error {
        MysqlError::Server(error) => sort_refusal(error),
        MysqlError::Driver(DriverError::NoClientSslFlagFromServer) => (
            Reason::NoTls,
            "give the frontend a certificate, or leave starrocks.caFile out",
        ),
        other if other.to_string().contains("ertificate") => (
            Reason::CertificateRefused,
            "check starrocks.caFile and the frontend's certificate",
        ),
        _ => DOWN,
    }
}

fn sort_refusal(error: &ServerError) -> Sorted {
    match error.code {
        ACCESS_DENIED => (
            Reason::LoginRefused,
            "check starrocks.user and starrocks.password",
        ),
        5203 => (
            Reason::PrivilegeMissing,
            "run `akili-operator check`, which says what to grant to the operator's user",
        ),
        // Unknown catalogs, databases, tables, resource groups.
        5078 | 5501 | 5502 | 5079 => GONE,
        5514 => (Reason::Conflict, "it is looked at again"),
        // Too many connections, or the frontend isn't the leader or not ready yet.
        1040 | 1203 => (
            Reason::StarRocksBusy,
            "raise max_user_connections of the operator's user; it is tried again",
        ),
        _ => (Reason::Refused, "see the frontend's fe.log"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Class;

    fn refusal(code: u16) -> MysqlError {
        MysqlError::Server(ServerError {
            code,
            message: "near 'hunter2'".into(),
            state: "HY000".into(),
        })
    }

    #[test]
    fn answers_have_a_class() {
        for (code, class, reason) in [
            (1045, Class::Operator, Reason::LoginRefused),
            (5203, Class::Operator, Reason::PrivilegeMissing),
            (1064, Class::Operator, Reason::Refused),
            (5078, Class::Transient, Reason::Gone),
            (5079, Class::Transient, Reason::Gone),
            (5514, Class::Transient, Reason::Conflict),
            (1203, Class::Transient, Reason::StarRocksBusy),
        ] {
            let error = explain("creating the role", &refusal(code), false);
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
    fn an_answer_to_a_secret_statement_is_not_repeated() {
        let error = explain("setting the password", &refusal(1064), true);
        assert!(!error.message.contains("hunter2"), "{error}");
        assert!(error.message.contains("error 1064"), "{error}");
    }
}
