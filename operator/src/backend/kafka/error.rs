//! What Kafka answered, or that it didn't, as the operator's own error.

use akili_kafka_admin::Error as RequestError;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::error::{Class, Error, LOGIN_REFUSED, UNREACHABLE};

/// Converts the error of a request to the operator's error. `doing` names the request;
/// `connection_error` is librdkafka's last connection error, if there was one.
pub fn explain(
    doing: &str,
    error: &RequestError,
    connection_error: Option<&RequestError>,
) -> Error {
    let (class, reason, advice) = sort(error.code);
    // A request only reports that no broker answered; the connection error has the cause.
    if let (UNREACHABLE, Some(cause)) = (reason, connection_error) {
        let (class, reason, advice) = sort(cause.code);
        let message = format!("Kafka: {doing}: {}; {advice}", cause.message);
        return Error::new(class, reason, message);
    }
    Error::new(class, reason, format!("Kafka: {doing}: {error}; {advice}"))
}

/// Converts an error of rdkafka's own requests.
pub fn request_error(subject: &str, error: &KafkaError) -> RequestError {
    let code = match error {
        KafkaError::AdminOp(code) => *code,
        error => error.rdkafka_error_code().unwrap_or(Code::Fail),
    };
    rejected(subject, code)
}

/// Creates a request error that has a code, but no message of its own.
pub fn rejected(subject: &str, code: Code) -> RequestError {
    RequestError::new(subject, code, code)
}

/// A class, a reason and the next step.
type Sorted = (Class, &'static str, &'static str);

const DOWN: Sorted = (
    Class::Transient,
    UNREACHABLE,
    "check kafka.bootstrapServers and that the brokers run; it is tried again",
);

const BUSY: Sorted = (Class::Transient, "KafkaBusy", "it is tried again");

/// Sorts by the code.
fn sort(code: Code) -> Sorted {
    match code {
        Code::Authentication | Code::SaslAuthenticationFailed => (
            Class::Operator,
            LOGIN_REFUSED,
            "check kafka.user and kafka.password",
        ),
        Code::SSL => (
            Class::Transient,
            UNREACHABLE,
            "check kafka.caFile, kafka.securityProtocol and the brokers' certificates",
        ),
        Code::BrokerTransportFailure
        | Code::AllBrokersDown
        | Code::OperationTimedOut
        | Code::TimedOutQueue
        | Code::Resolve
        | Code::BrokerNotAvailable
        | Code::NetworkException => DOWN,
        Code::NotController
        | Code::RequestTimedOut
        | Code::LeaderNotAvailable
        | Code::CoordinatorLoadInProgress
        | Code::CoordinatorNotAvailable
        | Code::ThrottlingQuotaExceeded
        | Code::ConcurrentTransactions
        | Code::KafkaStorageError => BUSY,
        Code::ClusterAuthorizationFailed
        | Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed => (
            Class::Operator,
            "PrivilegeMissing",
            "make kafka.user a super user (super.users)",
        ),
        Code::NonEmptyGroup => (
            Class::Pending,
            "GroupInUse",
            "its members lose it as soon as they are missed; it is tried again",
        ),
        Code::TopicDeletionDisabled => (
            Class::Operator,
            "TopicDeletionDisabled",
            "set the brokers' delete.topic.enable",
        ),
        Code::SecurityDisabled => (
            Class::Operator,
            "NoAuthorizer",
            "set the brokers' authorizer.class.name",
        ),
        Code::UnsupportedVersion | Code::UnsupportedFeature | Code::UnsupportedSASLMechanism => (
            Class::Operator,
            "Unsupported",
            "brokers with ACLs and SCRAM-SHA-256 are needed: Kafka 3.5 or later",
        ),
        Code::PolicyViolation => (
            Class::Invalid,
            "PolicyViolation",
            "make kafka.topics fit the brokers' policy, or change that",
        ),
        Code::InvalidTopic
        | Code::InvalidPartitions
        | Code::InvalidConfig
        | Code::InvalidReplicationFactor => (
            Class::Operator,
            "InvalidTopic",
            "check kafka.topics and the brokers' default.replication.factor",
        ),
        Code::InvalidArgument => (
            Class::Invalid,
            "UnknownKind",
            "the operator can't change that: delete it with Kafka's own tools",
        ),
        Code::Unknown | Code::BadMessage | Code::Fail => (
            Class::Transient,
            "UnexpectedAnswer",
            "see the brokers' log; it is tried again",
        ),
        _ => (Class::Operator, "Refused", "see the brokers' log"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_class_and_reason() {
        for (code, class, reason) in [
            (Code::Authentication, Class::Operator, LOGIN_REFUSED),
            (
                Code::SaslAuthenticationFailed,
                Class::Operator,
                LOGIN_REFUSED,
            ),
            (Code::BrokerTransportFailure, Class::Transient, UNREACHABLE),
            (Code::OperationTimedOut, Class::Transient, UNREACHABLE),
            (Code::SSL, Class::Transient, UNREACHABLE),
            (Code::NotController, Class::Transient, "KafkaBusy"),
            (Code::RequestTimedOut, Class::Transient, "KafkaBusy"),
            (
                Code::ClusterAuthorizationFailed,
                Class::Operator,
                "PrivilegeMissing",
            ),
            (
                Code::TopicAuthorizationFailed,
                Class::Operator,
                "PrivilegeMissing",
            ),
            (Code::SecurityDisabled, Class::Operator, "NoAuthorizer"),
            (Code::PolicyViolation, Class::Invalid, "PolicyViolation"),
            (
                Code::InvalidReplicationFactor,
                Class::Operator,
                "InvalidTopic",
            ),
            (Code::InvalidArgument, Class::Invalid, "UnknownKind"),
            (Code::Unknown, Class::Transient, "UnexpectedAnswer"),
            (Code::UnacceptableCredential, Class::Operator, "Refused"),
        ] {
            let error = explain("creating ACLs", &rejected("x", code), None);
            assert_eq!((error.class, error.reason), (class, reason), "{code:?}");
            assert!(
                error.message.starts_with("Kafka: creating ACLs: x: "),
                "{error}"
            );
        }
    }

    #[test]
    fn rdkafka_error_keeps_the_brokers_code() {
        for error in [
            KafkaError::AdminOp(Code::PolicyViolation),
            KafkaError::MetadataFetch(Code::PolicyViolation),
        ] {
            assert_eq!(request_error("x", &error).code, Code::PolicyViolation);
        }
    }

    #[test]
    fn error_without_answer_takes_reason_of_connection_error() {
        let cause = RequestError::new("connecting", Code::Authentication, "invalid credentials");
        let reason = |code| {
            let error = rejected("describing ACLs", code);
            explain("looking", &error, Some(&cause)).reason
        };
        assert_eq!(reason(Code::OperationTimedOut), LOGIN_REFUSED);
        assert_eq!(reason(Code::SecurityDisabled), "NoAuthorizer");
    }
}
