//! Errors of Kafka by reason, with the next step.

use akili_kafka_admin::Error as RequestError;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::error::{Error, Reason};

/// Converts the error of a request to the operator's error. `operation` names the request;
/// `connection_error` is librdkafka's last connection error, if there was one.
pub fn explain(
    operation: &str,
    error: &RequestError,
    connection_error: Option<&RequestError>,
) -> Error {
    let (reason, advice) = sort(error.code);
    // A request only reports that no broker answered; the connection error has the cause.
    if let (Reason::Unreachable, Some(cause)) = (reason, connection_error) {
        let (reason, advice) = sort(cause.code);
        let message = format!("Kafka: {operation}: {}; {advice}", cause.message);
        return Error::new(reason, message);
    }
    Error::new(reason, format!("Kafka: {operation}: {error}; {advice}"))
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

/// A reason and the next step.
type Sorted = (Reason, &'static str);

const DOWN: Sorted = (
    Reason::Unreachable,
    "check kafka.bootstrapServers and that the brokers run; retrying",
);

const BUSY: Sorted = (Reason::KafkaBusy, "retrying");

/// Returns the reason and the next step for a code.
fn sort(code: Code) -> Sorted {
    match code {
        Code::Authentication | Code::SaslAuthenticationFailed => {
            (Reason::LoginRefused, "check kafka.user and kafka.password")
        }
        Code::SSL => (
            Reason::Unreachable,
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
            Reason::PrivilegeMissing,
            "make kafka.user a super user (super.users)",
        ),
        Code::NonEmptyGroup => (
            Reason::GroupInUse,
            "the consumer group still has members; it is deleted when their sessions time out",
        ),
        Code::TopicDeletionDisabled => (
            Reason::TopicDeletionDisabled,
            "set delete.topic.enable=true on the brokers",
        ),
        Code::SecurityDisabled => (
            Reason::NoAuthorizer,
            "set authorizer.class.name on the brokers",
        ),
        Code::UnsupportedVersion | Code::UnsupportedFeature | Code::UnsupportedSASLMechanism => (
            Reason::Unsupported,
            "use brokers with ACLs and SCRAM-SHA-256: Kafka 3.5 or later",
        ),
        Code::PolicyViolation => (
            Reason::PolicyViolation,
            "change kafka.topics, or the brokers' policy",
        ),
        Code::InvalidTopic
        | Code::InvalidPartitions
        | Code::InvalidConfig
        | Code::InvalidReplicationFactor => (
            Reason::InvalidTopic,
            "check kafka.topics and the brokers' default.replication.factor",
        ),
        Code::InvalidArgument => (
            Reason::UnknownKind,
            "the operator can't change ACLs of this kind: delete it with Kafka's own tools",
        ),
        Code::Unknown | Code::BadMessage | Code::Fail => {
            (Reason::UnexpectedAnswer, "check the brokers' log; retrying")
        }
        _ => (Reason::Refused, "check the brokers' log"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Class;

    #[test]
    fn every_code_has_class_and_reason() {
        for (code, class, reason) in [
            (Code::Authentication, Class::Operator, Reason::LoginRefused),
            (
                Code::SaslAuthenticationFailed,
                Class::Operator,
                Reason::LoginRefused,
            ),
            (
                Code::BrokerTransportFailure,
                Class::Transient,
                Reason::Unreachable,
            ),
            (
                Code::OperationTimedOut,
                Class::Transient,
                Reason::Unreachable,
            ),
            (Code::SSL, Class::Transient, Reason::Unreachable),
            (Code::NotController, Class::Transient, Reason::KafkaBusy),
            (Code::RequestTimedOut, Class::Transient, Reason::KafkaBusy),
            (
                Code::ClusterAuthorizationFailed,
                Class::Operator,
                Reason::PrivilegeMissing,
            ),
            (
                Code::TopicAuthorizationFailed,
                Class::Operator,
                Reason::PrivilegeMissing,
            ),
            (
                Code::SecurityDisabled,
                Class::Operator,
                Reason::NoAuthorizer,
            ),
            (
                Code::PolicyViolation,
                Class::Invalid,
                Reason::PolicyViolation,
            ),
            (
                Code::InvalidReplicationFactor,
                Class::Operator,
                Reason::InvalidTopic,
            ),
            (Code::InvalidArgument, Class::Invalid, Reason::UnknownKind),
            (Code::Unknown, Class::Transient, Reason::UnexpectedAnswer),
            (
                Code::UnacceptableCredential,
                Class::Operator,
                Reason::Refused,
            ),
        ] {
            let error = explain("creating ACLs", &rejected("x", code), None);
            assert_eq!((error.class(), error.reason), (class, reason), "{code:?}");
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
            explain("listing topics", &error, Some(&cause)).reason
        };
        assert_eq!(reason(Code::OperationTimedOut), Reason::LoginRefused);
        assert_eq!(reason(Code::SecurityDisabled), Reason::NoAuthorizer);
    }
}
