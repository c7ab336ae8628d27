//! Errors of the object store as errors of the operator: reason and advice by error code.

use std::error::Error as StdError;
use std::fmt;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::http::Response;
use serde::Deserialize;

use crate::error::{Error, Reason};

/// A failed call to the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayError {
    /// The gateway did not answer, or its answer could not be read; holds the cause.
    NoAnswer(String),
    /// The gateway rejected the call.
    Rejected {
        /// HTTP status.
        status: u16,
        /// Error code of S3, such as `AccessDenied`; empty if the answer has none.
        code: String,
    },
}

impl GatewayError {
    /// Creates a [`NoAnswer`](Self::NoAnswer) from an error and its sources.
    pub fn no_answer(error: &dyn StdError) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text += &format!(": {error}");
            cause = error.source();
        }
        Self::NoAnswer(text)
    }

    /// Parses the error code of an unsuccessful answer, in JSON or XML.
    pub fn rejected(status: u16, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Json {
            code: String,
        }
        let code = match serde_json::from_slice(body) {
            Ok(Json { code }) => code,
            Err(_) => between(&String::from_utf8_lossy(body), "<Code>", "</Code>"),
        };
        Self::Rejected { status, code }
    }

    /// Returns whether the gateway rejected the call with this error code.
    pub fn has_code(&self, expected: &str) -> bool {
        matches!(self, Self::Rejected { code, .. } if code == expected)
    }

    /// Returns the operator's error for the failed `operation`.
    pub fn explain(&self, operation: &str) -> Error {
        let (reason, advice) = match self {
            Self::NoAnswer(why) if why.contains("certificate") => (
                Reason::ConnectionRefused,
                "check objectStore.caFile and the server's certificate",
            ),
            Self::NoAnswer(_) => DOWN,
            Self::Rejected { status, code } => classify(*status, code),
        };
        Error::new(
            reason,
            format!("object store: {operation}: {self}; {advice}"),
        )
    }
}

impl<E: ProvideErrorMetadata + StdError + 'static> From<SdkError<E, Response>> for GatewayError {
    fn from(error: SdkError<E, Response>) -> Self {
        match &error {
            SdkError::ServiceError(answer) => Self::Rejected {
                status: answer.raw().status().as_u16(),
                code: answer.err().code().unwrap_or_default().to_owned(),
            },
            other => Self::no_answer(other),
        }
    }
}

impl fmt::Display for GatewayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer(why) => f.write_str(why),
            Self::Rejected { status, code } => write!(f, "{status} {code}"),
        }
    }
}

fn between(text: &str, begin: &str, end: &str) -> String {
    let code = text
        .split_once(begin)
        .and_then(|(_, rest)| rest.split_once(end));
    code.map_or_else(String::new, |(code, _)| code.to_owned())
}

/// A reason and the advice for it.
type Classified = (Reason, &'static str);

const DOWN: Classified = (
    Reason::Unreachable,
    "check that the gateway runs and is reachable; retrying",
);

/// Classifies an error by its code and HTTP status.
fn classify(status: u16, code: &str) -> Classified {
    match code {
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" => (
            Reason::LoginRefused,
            "check objectStore.accessKey and objectStore.secretKey",
        ),
        "RequestTimeTooSkewed" => (
            Reason::LoginRefused,
            "synchronize the clocks of this node and the gateway",
        ),
        "AccessDenied" => (
            Reason::Forbidden,
            "run `akili-operator check`, which lists the missing capabilities of the operator's user",
        ),
        "NoSuchBucket" => (
            Reason::NoSuchBucket,
            "create the bucket with the operator's own key, or check objectStore.bucket",
        ),
        "KeyExists" => (
            Reason::KeyTaken,
            "another user has the tenant's access key; remove the key from that user",
        ),
        "ConcurrentModification" | "OperationAborted" => (Reason::Conflict, "retrying"),
        "NoSuchUser" | "NoSuchEntity" | "NoSuchKey" => {
            (Reason::Gone, "the operator creates it again")
        }
        _ if status == 429 || (502..=504).contains(&status) => DOWN,
        _ if status >= 500 => (Reason::ServerError, "check the gateway's log"),
        _ => (Reason::Refused, "check the gateway's log"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Class;

    #[test]
    fn error_code_determines_class_and_reason() {
        for (status, code, class, reason) in [
            (
                403,
                "InvalidAccessKeyId",
                Class::Operator,
                Reason::LoginRefused,
            ),
            (
                403,
                "SignatureDoesNotMatch",
                Class::Operator,
                Reason::LoginRefused,
            ),
            (
                403,
                "RequestTimeTooSkewed",
                Class::Operator,
                Reason::LoginRefused,
            ),
            (403, "AccessDenied", Class::Operator, Reason::Forbidden),
            (404, "NoSuchBucket", Class::Operator, Reason::NoSuchBucket),
            (409, "KeyExists", Class::Invalid, Reason::KeyTaken),
            (
                409,
                "ConcurrentModification",
                Class::Transient,
                Reason::Conflict,
            ),
            (404, "NoSuchUser", Class::Transient, Reason::Gone),
            (503, "SlowDown", Class::Transient, Reason::Unreachable),
            (502, "", Class::Transient, Reason::Unreachable),
            (500, "UnknownError", Class::Transient, Reason::ServerError),
            (400, "InvalidArgument", Class::Operator, Reason::Refused),
        ] {
            let code = code.to_owned();
            let error = GatewayError::Rejected { status, code }.explain("reading users");
            assert_eq!((error.class(), error.reason), (class, reason), "{error}");
        }
    }

    #[test]
    fn error_code_is_parsed_from_json_and_xml() {
        for body in [
            r#"{"Code":"NoSuchUser","Message":""}"#,
            "<?xml version=\"1.0\"?><Error><Code>NoSuchUser</Code><Message></Message></Error>",
        ] {
            assert!(GatewayError::rejected(404, body.as_bytes()).has_code("NoSuchUser"));
        }
        let nothing = GatewayError::rejected(502, b"<html>Bad Gateway");
        assert_eq!(
            nothing,
            GatewayError::Rejected {
                status: 502,
                code: String::new()
            }
        );
    }

    #[test]
    fn missing_answer_is_transient_but_wrong_certificate_is_not() {
        for (why, class, reason, advice) in [
            (
                "connection refused",
                Class::Transient,
                Reason::Unreachable,
                "check that the gateway runs",
            ),
            (
                "invalid peer certificate: UnknownIssuer",
                Class::Operator,
                Reason::ConnectionRefused,
                "check objectStore.caFile",
            ),
        ] {
            let error = GatewayError::NoAnswer(why.into()).explain("reading users");
            assert_eq!((error.class(), error.reason), (class, reason));
            assert!(error.message.starts_with("object store: reading users: "));
            assert!(error.message.contains(advice), "{error}");
        }
    }
}
