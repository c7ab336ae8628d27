//! What Kafka answered, or that it didn't, as the operator's own error.

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::native::{Refusal, Refused};
use crate::error::{Class, Error, LOGIN_REFUSED, UNREACHABLE};

/// The operator's error for a failed request; `doing` says what it was for, and `trouble`
/// what keeps the client from the brokers, if anything does.
pub fn explain(doing: &str, refused: &Refused, trouble: Option<&Refusal>) -> Error {
    let (class, reason, advice) = sort(refused.first.code);
    // A request only hears that nobody answers, whatever the reason.
    if let (UNREACHABLE, Some(trouble)) = (reason, trouble) {
        let (class, reason, advice) = sort(trouble.code);
        let message = format!("Kafka: {doing}: {}; {advice}", trouble.text);
        return Error::new(class, reason, message);
    }
    Error::new(
        class,
        reason,
        format!("Kafka: {doing}: {refused}; {advice}"),
    )
}

/// An error of rdkafka's own requests like one of ours.
pub fn refused(about: &str, error: &KafkaError) -> Refused {
    let code = match error {
        KafkaError::AdminOp(code) => *code,
        error => error.rdkafka_error_code().unwrap_or(Code::Fail),
    };
    refused_with(about, code)
}

/// A refusal that is known by its code alone.
pub fn refused_with(about: &str, code: Code) -> Refused {
    Refused {
        first: Refusal {
            about: about.to_owned(),
            code,
            text: code.to_string(),
        },
        others: Vec::new(),
    }
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
    fn answers_have_a_class() {
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
            let error = explain("creating ACLs", &refused_with("x", code), None);
            assert_eq!((error.class, error.reason), (class, reason), "{code:?}");
            assert!(
                error.message.starts_with("Kafka: creating ACLs: x: "),
                "{error}"
            );
        }
    }

    #[test]
    fn rdkafkas_own_requests_fail_with_the_brokers_code() {
        for error in [
            KafkaError::AdminOp(Code::PolicyViolation),
            KafkaError::MetadataFetch(Code::PolicyViolation),
        ] {
            assert_eq!(refused("x", &error).first.code, Code::PolicyViolation);
        }
    }

    #[test]
    fn what_keeps_the_client_from_the_brokers_is_told_where_nobody_answers() {
        let trouble = Refusal {
            about: "connecting".into(),
            code: Code::Authentication,
            text: "invalid credentials".into(),
        };
        let reason = |code| {
            let refused = refused_with("describing ACLs", code);
            explain("looking", &refused, Some(&trouble)).reason
        };
        assert_eq!(reason(Code::OperationTimedOut), LOGIN_REFUSED);
        assert_eq!(reason(Code::SecurityDisabled), "NoAuthorizer");
    }
}
