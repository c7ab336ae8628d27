//! Condition types, reasons, and the one way to change a list of conditions.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// Types of conditions. `Ready`, `Reconciling` and `Stalled` have kstatus' meaning.
pub mod types {
    /// Every plane has reached the state in the spec.
    pub const READY: &str = "Ready";
    /// A change is in progress; present only while true.
    pub const RECONCILING: &str = "Reconciling";
    /// No progress until somebody changes the spec or the backend; present only while true.
    pub const STALLED: &str = "Stalled";
    /// Kubernetes.
    pub const NAMESPACE_READY: &str = "NamespaceReady";
    /// PostgreSQL.
    pub const POSTGRES_READY: &str = "PostgresReady";
    /// Object store.
    pub const OBJECT_STORE_READY: &str = "ObjectStoreReady";
    /// Kafka.
    pub const TOPICS_READY: &str = "TopicsReady";
    /// Iceberg catalog in StarRocks and its grants.
    pub const CATALOG_READY: &str = "CatalogReady";
    /// Resource group in StarRocks.
    pub const RESOURCE_GROUP_READY: &str = "ResourceGroupReady";
    /// Every plane of an archived tenant is empty; present only once it is archived.
    pub const PURGED: &str = "Purged";
    /// Usage is above at least one limit; on the TenantQuota.
    pub const EXCEEDED: &str = "Exceeded";

    /// Conditions of a single plane each.
    pub const PLANES: [&str; 6] = [
        NAMESPACE_READY,
        POSTGRES_READY,
        OBJECT_STORE_READY,
        TOPICS_READY,
        CATALOG_READY,
        RESOURCE_GROUP_READY,
    ];
}

/// Desired content of one condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// One of [`types`].
    pub type_: &'static str,
    /// True or False; an absent condition stands for "Unknown".
    pub status: bool,
    /// CamelCase reason from a closed list.
    pub reason: &'static str,
    /// Message for people: the object concerned and the next step. Never a secret.
    pub message: String,
}

/// Returns one condition for each statement and no others.
///
/// `lastTransitionTime` is `now` where the status flipped or is new; otherwise it stays.
pub fn conditions(
    old: &[Condition],
    statements: &[Statement],
    observed_generation: i64,
    now: &Time,
) -> Vec<Condition> {
    let state = |statement: &Statement| {
        let status = if statement.status { "True" } else { "False" };
        let last_transition_time = old
            .iter()
            .find(|c| c.type_ == statement.type_ && c.status == status)
            .map_or_else(|| now.clone(), |c| c.last_transition_time.clone());
        Condition {
            type_: statement.type_.to_owned(),
            status: status.to_owned(),
            reason: statement.reason.to_owned(),
            message: statement.message.clone(),
            observed_generation: Some(observed_generation),
            last_transition_time,
        }
    };
    statements.iter().map(state).collect()
}

/// Returns the condition of this type.
pub fn find<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|c| c.type_ == type_)
}

/// Returns true if the condition of this type exists and is True.
pub fn is_true(conditions: &[Condition], type_: &str) -> bool {
    find(conditions, type_).is_some_and(|c| c.status == "True")
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn at(second: i64) -> Time {
        Time(Timestamp::from_second(second).unwrap())
    }

    fn ready(status: bool, reason: &'static str) -> Statement {
        Statement {
            type_: types::READY,
            status,
            reason,
            message: "…".into(),
        }
    }

    #[test]
    fn transition_time_moves_only_when_the_status_flips() {
        let first = conditions(&[], &[ready(false, "Waiting")], 1, &at(1));
        assert_eq!(first[0].last_transition_time, at(1));

        let other_reason = conditions(&first, &[ready(false, "Failed")], 2, &at(2));
        assert_eq!(other_reason[0].last_transition_time, at(1));
        assert_eq!(other_reason[0].reason, "Failed");
        assert_eq!(other_reason[0].observed_generation, Some(2));

        let flipped = conditions(&other_reason, &[ready(true, "Ready")], 2, &at(3));
        assert_eq!(flipped[0].last_transition_time, at(3));
        assert!(is_true(&flipped, types::READY));
    }

    #[test]
    fn condition_without_a_statement_is_removed() {
        let old = conditions(&[], &[ready(true, "Ready")], 1, &at(1));
        assert_eq!(conditions(&old, &[], 1, &at(2)), vec![]);
    }
}
