//! What the object store answered, or that it didn't, as the operator's own error.

use std::error::Error as StdError;
use std::fmt;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::http::Response;
use serde::Deserialize;

use crate::error::{Error, Reason};

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// There was no answer, or none that could be read; why.
    NoAnswer(String),
    /// It was refused.
    Refused {
        /// HTTP's status.
        status: u16,
        /// S3's word for it, such as `AccessDenied`; empty if there was none.
        code: String,
    },
}

impl Failure {
    /// That nothing came back.
    pub fn no_answer(error: &dyn StdError) -> Self {
        let mut words = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            words += &format!(": {error}");
            cause = error.source();
        }
        Self::NoAnswer(words)
    }

    /// What an answer that isn't a success says, in JSON or XML.
    pub fn refused(status: u16, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Json {
            code: String,
        }
        let code = match serde_json::from_slice(body) {
            Ok(Json { code }) => code,
            Err(_) => between(&String::from_utf8_lossy(body), "<Code>", "</Code>"),
        };
        Self::Refused { status, code }
    }

    /// Whether it was refused with this word.
    pub fn is(&self, word: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == word)
    }

    /// The operator's error for it; `doing` says what the call was for.
    pub fn explain(&self, doing: &str) -> Error {
        let (reason, advice) = match self {
            Self::NoAnswer(why) if why.contains("certificate") => (
                Reason::ConnectionRefused,
                "check objectStore.caFile and the server's certificate",
            ),
            Self::NoAnswer(_) => DOWN,
            Self::Refused { status, code } => sort(*status, code),
        };
        Error::new(reason, format!("object store: {doing}: {self}; {advice}"))
    }
}

impl<E: ProvideErrorMetadata + StdError + 'static> From<SdkError<E, Response>> for Failure {
    fn from(error: SdkError<E, Response>) -> Self {
        match &error {
            SdkError::ServiceError(answer) => Self::Refused {
                status: answer.raw().status().as_u16(),
                code: answer.err().code().unwrap_or_default().to_owned(),
            },
            other => Self::no_answer(other),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer(why) => f.write_str(why),
            Self::Refused { status, code } => write!(f, "{status} {code}"),
        }
    }
}

fn between(text: &str, begin: &str, end: &str) -> String {
    let code = text
        .split_once(begin)
        .and_then(|(_, rest)| rest.split_once(end));
    code.map_or_else(String::new, |(code, _)| code.to_owned())
}

/// A class, a reason and the next step.
type Sorted = (Reason, &'static str);

const DOWN: Sorted = (
    Reason::Unreachable,
    "check that the gateway runs and can be reached; it is tried again",
);

fn sort(status: u16, code: &str) -> Sorted {
    match code {
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" => (
            Reason::LoginRefused,
            "check objectStore.accessKey and objectStore.secretKey",
        ),
        "RequestTimeTooSkewed" => (
            Reason::LoginRefused,
            "set the clocks of this node and the gateway's",
        ),
        "AccessDenied" => (
            Reason::Forbidden,
            "run `akili-operator check`, which says what the operator's user lacks",
        ),
        "NoSuchBucket" => (
            Reason::NoSuchBucket,
            "make the bucket with the operator's own key, or check objectStore.bucket",
        ),
        "KeyExists" => (
            Reason::KeyTaken,
            "another user has the tenant's access key: take it away there",
        ),
        "ConcurrentModification" | "OperationAborted" => (Reason::Conflict, "it is tried again"),
        "NoSuchUser" | "NoSuchEntity" | "NoSuchKey" => (Reason::Gone, "it is made again"),
        _ if status == 429 || (502..=504).contains(&status) => DOWN,
        _ if status >= 500 => (Reason::ServerError, "see the gateway's log"),
        _ => (Reason::Refused, "see the gateway's log"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Class;

    #[test]
    fn answers_have_a_class() {
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
            let error = Failure::Refused { status, code }.explain("reading users");
            assert_eq!((error.class(), error.reason), (class, reason), "{error}");
        }
    }

    #[test]
    fn the_word_is_found_in_json_and_in_xml() {
        for body in [
            r#"{"Code":"NoSuchUser","Message":""}"#,
            "<?xml version=\"1.0\"?><Error><Code>NoSuchUser</Code><Message></Message></Error>",
        ] {
            assert!(Failure::refused(404, body.as_bytes()).is("NoSuchUser"));
        }
        let nothing = Failure::refused(502, b"<html>Bad Gateway");
        assert_eq!(
            nothing,
            Failure::Refused {
                status: 502,
                code: String::new()
            }
        );
    }

    #[test]
    fn no_answer_is_transient_and_a_wrong_certificate_is_not() {
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
            let error = Failure::NoAnswer(why.into()).explain("reading users");
            assert_eq!((error.class(), error.reason), (class, reason));
            assert!(error.message.starts_with("object store: reading users: "));
            assert!(error.message.contains(advice), "{error}");
        }
    }
}
