//! What StarRocks answered, or that it didn't, as the operator's own error.

use mysql_async::Error as Answer;

use crate::error::{Class, Error, LOGIN_REFUSED, UNREACHABLE};

/// The number of a login that is refused.
pub const WRONG_PASSWORD: u16 = 1045;
/// The number of a statement for which a privilege is missing.
const PRIVILEGE_MISSING: u16 = 5203;

/// The operator's error for a failed statement; `doing` says what it was for. What the
/// server says is left out where the statement has a secret in it, which it may quote.
pub fn explain(doing: &str, answer: &Answer, has_secret: bool) -> Error {
    let (class, reason, advice) = match answer {
        Answer::Server(said) => sort(said.code),
        Answer::Io(_) => (
            Class::Transient,
            UNREACHABLE,
            "check that the frontend runs, and starrocks.host, port and caFile; it is tried again",
        ),
        _ => (
            Class::Transient,
            "UnexpectedAnswer",
            "check that starrocks.host and port are a frontend's",
        ),
    };
    let said = match answer {
        Answer::Server(said) if has_secret => format!("error {}", said.code),
        Answer::Server(said) => said.message.clone(),
        other => other.to_string(),
    };
    let message = format!("StarRocks: {doing}: {said}; {advice}");
    Error::new(class, reason, message)
}

fn sort(code: u16) -> (Class, &'static str, &'static str) {
    match code {
        WRONG_PASSWORD => (
            Class::Operator,
            LOGIN_REFUSED,
            "check starrocks.user and starrocks.password",
        ),
        PRIVILEGE_MISSING => (
            Class::Operator,
            "PrivilegeMissing",
            "`akili-operator check` says what to grant",
        ),
        // Too many connections; the frontend isn't the leader yet, or is starting.
        1040 | 1203 => (Class::Transient, "StarRocksBusy", "it is tried again"),
        _ => (Class::Operator, "Refused", "see the frontend's log"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mysql_async::ServerError;

    fn answer(code: u16) -> Answer {
        Answer::Server(ServerError {
            code,
            message: "near 'hunter2'".into(),
            state: "42000".into(),
        })
    }

    #[test]
    fn answers_have_a_class() {
        for (code, class, reason) in [
            (1045, Class::Operator, LOGIN_REFUSED),
            (5203, Class::Operator, "PrivilegeMissing"),
            (1040, Class::Transient, "StarRocksBusy"),
            (1064, Class::Operator, "Refused"),
        ] {
            let error = explain("asking", &answer(code), false);
            assert_eq!((error.class, error.reason), (class, reason), "{code}");
            assert!(error.message.starts_with("StarRocks: asking: near"));
        }
    }

    #[test]
    fn a_statement_with_a_secret_is_not_quoted() {
        let error = explain("making a user", &answer(1064), true);
        assert_eq!(
            error.message,
            "StarRocks: making a user: error 1064; see the frontend's log"
        );
    }
}
