//! Attempts of the tenant `streams`, beside `streams-2`.

use std::collections::BTreeSet;

use akili_kafka_admin::{
    Acl, Mechanism, Operation, Pattern, Permission, Resource, ScramCredential,
};
use akili_scenarios::platform::Kafka;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::case::{Case, done, rejected};
use crate::access_matrix::Failure;

/// Uses the tenant's own topics.
pub fn uses_its_own(tenant: &Kafka) -> Vec<Case<'_>> {
    vec![
        done("produce", tenant.produce("streams.events", "an order")),
        done(
            "produce without ever sending twice",
            tenant.produce_idempotently("streams.events", "an order"),
        ),
        done(
            "consume with a group and commit",
            tenant.consume("streams.events", "streams.readers"),
        ),
        done(
            "produce in a transaction",
            tenant.produce_in_transaction("streams.tx", "streams.events", "another"),
        ),
        done("create a topic", tenant.create_topic("streams.more")),
        done("describe it", async { tenant.partitions("streams.more") }),
        done("add partitions", tenant.add_partitions("streams.more", 2)),
        done("delete its messages", tenant.delete_records("streams.more")),
        done("delete it", tenant.delete_topics(&["streams.more"])),
        done("delete a group", tenant.delete_group("streams.readers")),
    ]
}

/// A suspended tenant can read and not write.
pub fn reads_its_own(tenant: &Kafka) -> Vec<Case<'_>> {
    vec![
        done(
            "consume with a group and commit",
            tenant.consume("streams.events", "streams.late-readers"),
        ),
        done("describe a topic", async {
            tenant.partitions("streams.events")
        }),
        rejected(
            "produce",
            Code::TopicAuthorizationFailed,
            tenant.produce("streams.events", "too late"),
        ),
        rejected(
            "produce in a transaction",
            Code::TransactionalIdAuthorizationFailed,
            tenant.produce_in_transaction("streams.tx", "streams.events", "too late"),
        ),
        rejected(
            "create a topic",
            Code::TopicAuthorizationFailed,
            tenant.create_topic("streams.more"),
        ),
        rejected(
            "delete a topic",
            Code::TopicAuthorizationFailed,
            tenant.delete_topics(&["streams.events"]),
        ),
        rejected(
            "delete messages",
            Code::TopicAuthorizationFailed,
            tenant.delete_records("streams.events"),
        ),
        rejected(
            "add partitions",
            Code::TopicAuthorizationFailed,
            tenant.add_partitions("streams.events", 9),
        ),
        rejected(
            "delete a group",
            Code::GroupAuthorizationFailed,
            tenant.delete_group("streams.late-readers"),
        ),
    ]
}

/// An archived tenant can do nothing, even if still connected.
pub fn has_no_access(connected: &Kafka) -> Vec<Case<'_>> {
    vec![
        rejected(
            "describe a topic, still connected",
            Code::TopicAuthorizationFailed,
            async { connected.partitions("streams.events") },
        ),
        rejected(
            "delete a group, still connected",
            Code::GroupAuthorizationFailed,
            connected.delete_group("streams.late-readers"),
        ),
        rejected(
            "log in again",
            Code::Authentication,
            connected.consume("streams.events", "streams.readers"),
        ),
    ]
}

/// The other tenant's topics are invisible.
pub fn tries_the_others(tenant: &Kafka) -> Vec<Case<'_>> {
    vec![
        done("see only its own topics", async { sees_its_own(tenant) }),
        rejected("describe", Code::TopicAuthorizationFailed, async {
            tenant.partitions("streams-2.events")
        }),
        rejected(
            "produce",
            Code::TopicAuthorizationFailed,
            tenant.produce("streams-2.events", "forged"),
        ),
        rejected(
            "produce in a transaction of its own",
            Code::TopicAuthorizationFailed,
            tenant.produce_in_transaction("streams.tx", "streams-2.events", "forged"),
        ),
        rejected(
            "use the other's transactional id",
            Code::TransactionalIdAuthorizationFailed,
            tenant.produce_in_transaction("streams-2.tx", "streams.events", "forged"),
        ),
        rejected(
            "consume",
            Code::TopicAuthorizationFailed,
            tenant.consume("streams-2.events", "streams.readers"),
        ),
        rejected(
            "join the other's group",
            Code::GroupAuthorizationFailed,
            tenant.consume("streams.events", "streams-2.readers"),
        ),
        rejected(
            "delete the other's group",
            Code::GroupAuthorizationFailed,
            tenant.delete_group("streams-2.readers"),
        ),
        rejected(
            "create a topic there",
            Code::TopicAuthorizationFailed,
            tenant.create_topic("streams-2.x"),
        ),
        rejected(
            "delete a topic",
            Code::TopicAuthorizationFailed,
            tenant.delete_topics(&["streams-2.events"]),
        ),
        // The client doesn't find the topic, so it sends no request.
        rejected(
            "delete messages",
            Code::NoEnt,
            tenant.delete_records("streams-2.events"),
        ),
        rejected(
            "add partitions",
            Code::TopicAuthorizationFailed,
            tenant.add_partitions("streams-2.events", 9),
        ),
    ]
}

fn sees_its_own(tenant: &Kafka) -> Result<(), Failure> {
    let seen = tenant.topics()?;
    if seen.iter().all(|topic| topic.starts_with("streams.")) && !seen.is_empty() {
        return Ok(());
    }
    Err(Failure::from(format!("it sees {seen:?}")))
}

/// Everything outside the tenant's prefix is closed.
pub fn goes_outside<'a>(tenant: &'a Kafka, own: &'a str, other: &'a str) -> Vec<Case<'a>> {
    let login = ScramCredential {
        mechanism: Mechanism::Sha256,
        iterations: 4096,
    };
    let allow_all = Acl {
        resource: Resource::Topic,
        pattern: Pattern::Literal,
        name: "*".to_owned(),
        principal: format!("User:{own}"),
        host: "*".to_owned(),
        operation: Operation::All,
        permission: Permission::Allow,
    };
    let cluster = Code::ClusterAuthorizationFailed;
    vec![
        rejected(
            "create a topic without a prefix",
            Code::TopicAuthorizationFailed,
            tenant.create_topic("outside"),
        ),
        rejected(
            "create a topic whose name only begins like its own",
            Code::TopicAuthorizationFailed,
            tenant.create_topic("streamss.events"),
        ),
        rejected(
            "use a group without a prefix",
            Code::GroupAuthorizationFailed,
            tenant.consume("streams.events", "readers"),
        ),
        rejected(
            "use a transactional id without a prefix",
            Code::TransactionalIdAuthorizationFailed,
            tenant.produce_in_transaction("tx", "streams.events", "forged"),
        ),
        rejected(
            "read everybody's offsets",
            Code::TopicAuthorizationFailed,
            tenant.consume("__consumer_offsets", "streams.readers"),
        ),
        rejected(
            "write everybody's offsets",
            Code::TopicAuthorizationFailed,
            tenant.produce("__consumer_offsets", "forged"),
        ),
        rejected("list ACLs", cluster, async {
            tenant.access().acls(None).await
        }),
        rejected("create an ACL for itself", cluster, async {
            let forged = BTreeSet::from([allow_all]);
            tenant.access().create_acls(forged).await
        }),
        rejected("list users", cluster, async {
            tenant.access().scram_credentials(&[]).await
        }),
        rejected("set the other's password", cluster, async move {
            let access = tenant.access();
            access.set_scram_credential(other, login, "forged").await
        }),
        rejected("delete the other's password", cluster, async move {
            let access = tenant.access();
            access
                .delete_scram_credential(other, Mechanism::Sha256)
                .await
        }),
        rejected("set its own password", cluster, async move {
            let access = tenant.access();
            access.set_scram_credential(own, login, "forged").await
        }),
        done("have no right on the cluster", async {
            let rights = tenant.access().cluster_rights().await?;
            match rights.unwrap_or_default() {
                none if none.is_empty() => Ok(()),
                some => Err(Failure::from(format!("it has {some:?}"))),
            }
        }),
    ]
}
