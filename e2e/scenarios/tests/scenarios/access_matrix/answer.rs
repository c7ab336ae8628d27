//! Answers of backends to attempts.

use std::process::Output;

use akili_kafka_admin::Error as RequestError;
use akili_testbed::command::{stderr, stdout};
use rdkafka::error::KafkaError;

/// The answer to an attempt.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// Success, with the output if there is one.
    Done(String),
    /// Success without any data shown or changed.
    Nothing,
    Rejected(Failure),
}

/// A failed attempt.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// The backend's error code; none if the backend didn't answer.
    pub code: Option<String>,
    pub text: String,
}

impl Answer {
    /// Returns the answer of a client library.
    pub fn of<T, E: Into<Failure>>(answer: Result<T, E>) -> Self {
        match answer {
            Ok(_) => Self::Done(String::new()),
            Err(error) => Self::Rejected(error.into()),
        }
    }

    /// Returns the answer of a client program, which prints the data that it was shown.
    pub fn of_program(output: &Output) -> Self {
        match (output.status.success(), output.stdout.is_empty()) {
            (true, true) => Self::Nothing,
            (true, false) => Self::Done(stdout(output)),
            (false, _) => Self::Rejected(stderr(output).into()),
        }
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self { code: None, text }
    }
}

impl From<KafkaError> for Failure {
    fn from(error: KafkaError) -> Self {
        let code = match &error {
            KafkaError::AdminOp(code) => Some(*code),
            error => error.rdkafka_error_code(),
        };
        Self {
            code: code.map(|code| format!("{code:?}")),
            text: error.to_string(),
        }
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        Self {
            code: Some(format!("{:?}", error.code)),
            text: error.to_string(),
        }
    }
}

impl From<mysql_async::Error> for Failure {
    fn from(error: mysql_async::Error) -> Self {
        let code = match &error {
            mysql_async::Error::Server(error) => Some(error.code.to_string()),
            _ => None,
        };
        Self {
            code,
            text: error.to_string(),
        }
    }
}
