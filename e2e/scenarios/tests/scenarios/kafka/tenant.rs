//! What the tenant `acme` tries, beside `acme-2`.

use std::collections::BTreeSet;

use akili_kafka_admin::{
    Acl, Mechanism, Operation, Pattern, Permission, Resource, ScramCredential,
};
use akili_scenarios::platform::Kafka;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::case::{Case, Failure, done, refused};

/// What belongs to it is its own to use.
pub fn uses_its_own(tenant: &Kafka) -> Vec<Case<'_>> {
    vec![
        done("produce", tenant.produce("acme.events", "an order")),
        done(
            "produce without ever sending twice",
            tenant.produce_idempotently("acme.events", "an order"),
        ),
        done(
            "consume with a group and commit",
            tenant.consume("acme.events", "acme.readers"),
        ),
        done(
            "produce in a transaction",
            tenant.produce_in_transaction("acme.tx", "acme.events", "another"),
        ),
        done("create a topic", tenant.create_topic("acme.more")),
        done("describe it", async { tenant.partitions("acme.more") }),
        done("add partitions", tenant.add_partitions("acme.more", 2)),
        done("delete its messages", tenant.delete_records("acme.more")),
        done("delete it", tenant.delete_topics(&["acme.more"])),
        done("delete a group", tenant.delete_group("acme.readers")),
    ]
}

/// What a suspended tenant may still do, and what not.
pub fn reads_its_own(tenant: &Kafka) -> Vec<Case<'_>> {
    vec![
        done(
            "consume with a group and commit",
            tenant.consume("acme.events", "acme.late-readers"),
        ),
        done("describe a topic", async {
            tenant.partitions("acme.events")
        }),
        refused(
            "produce",
            Code::TopicAuthorizationFailed,
            tenant.produce("acme.events", "too late"),
        ),
        refused(
            "produce in a transaction",
            Code::TransactionalIdAuthorizationFailed,
            tenant.produce_in_transaction("acme.tx", "acme.events", "too late"),
        ),
        refused(
            "create a topic",
            Code::TopicAuthorizationFailed,
            tenant.create_topic("acme.more"),
        ),
        refused(
            "delete a topic",
            Code::TopicAuthorizationFailed,
            tenant.delete_topics(&["acme.events"]),
        ),
        refused(
            "delete messages",
            Code::TopicAuthorizationFailed,
            tenant.delete_records("acme.events"),
        ),
        refused(
            "add partitions",
            Code::TopicAuthorizationFailed,
            tenant.add_partitions("acme.events", 9),
        ),
        refused(
            "delete a group",
            Code::GroupAuthorizationFailed,
            tenant.delete_group("acme.late-readers"),
        ),
    ]
}

/// What an archived tenant that is still connected may do: nothing.
pub fn has_no_access(connected: &Kafka) -> Vec<Case<'_>> {
    vec![
        refused(
            "describe a topic, still connected",
            Code::TopicAuthorizationFailed,
            async { connected.partitions("acme.events") },
        ),
        refused(
            "delete a group, still connected",
            Code::GroupAuthorizationFailed,
            connected.delete_group("acme.late-readers"),
        ),
        refused(
            "log in again",
            Code::Authentication,
            connected.consume("acme.events", "acme.readers"),
        ),
    ]
}

/// What belongs to the other doesn't exist for it.
pub fn tries_the_others(tenant: &Kafka) -> Vec<Case<'_>> {
    vec![
        done("see only its own topics", async { sees_its_own(tenant) }),
        refused("describe", Code::TopicAuthorizationFailed, async {
            tenant.partitions("acme-2.events")
        }),
        refused(
            "produce",
            Code::TopicAuthorizationFailed,
            tenant.produce("acme-2.events", "forged"),
        ),
        refused(
            "produce in a transaction of its own",
            Code::TopicAuthorizationFailed,
            tenant.produce_in_transaction("acme.tx", "acme-2.events", "forged"),
        ),
        refused(
            "use the other's transactional id",
            Code::TransactionalIdAuthorizationFailed,
            tenant.produce_in_transaction("acme-2.tx", "acme.events", "forged"),
        ),
        refused(
            "consume",
            Code::TopicAuthorizationFailed,
            tenant.consume("acme-2.events", "acme.readers"),
        ),
        refused(
            "join the other's group",
            Code::GroupAuthorizationFailed,
            tenant.consume("acme.events", "acme-2.readers"),
        ),
        refused(
            "delete the other's group",
            Code::GroupAuthorizationFailed,
            tenant.delete_group("acme-2.readers"),
        ),
        refused(
            "create a topic there",
            Code::TopicAuthorizationFailed,
            tenant.create_topic("acme-2.x"),
        ),
        refused(
            "delete a topic",
            Code::TopicAuthorizationFailed,
            tenant.delete_topics(&["acme-2.events"]),
        ),
        // The client doesn't find the topic, so it doesn't even ask.
        refused(
            "delete messages",
            Code::NoEnt,
            tenant.delete_records("acme-2.events"),
        ),
        refused(
            "add partitions",
            Code::TopicAuthorizationFailed,
            tenant.add_partitions("acme-2.events", 9),
        ),
    ]
}

fn sees_its_own(tenant: &Kafka) -> Result<(), Failure> {
    let seen = tenant.topics()?;
    if seen.iter().all(|topic| topic.starts_with("acme.")) && !seen.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("it sees {seen:?}")))
}

/// Whatever isn't below its prefix is closed.
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
        refused(
            "create a topic without a prefix",
            Code::TopicAuthorizationFailed,
            tenant.create_topic("outside"),
        ),
        refused(
            "create a topic whose name only begins like its own",
            Code::TopicAuthorizationFailed,
            tenant.create_topic("acmes.events"),
        ),
        refused(
            "use a group without a prefix",
            Code::GroupAuthorizationFailed,
            tenant.consume("acme.events", "readers"),
        ),
        refused(
            "use a transactional id without a prefix",
            Code::TransactionalIdAuthorizationFailed,
            tenant.produce_in_transaction("tx", "acme.events", "forged"),
        ),
        refused(
            "read everybody's offsets",
            Code::TopicAuthorizationFailed,
            tenant.consume("__consumer_offsets", "acme.readers"),
        ),
        refused(
            "write everybody's offsets",
            Code::TopicAuthorizationFailed,
            tenant.produce("__consumer_offsets", "forged"),
        ),
        refused("list ACLs", cluster, async {
            tenant.access().acls(None).await
        }),
        refused("create an ACL for itself", cluster, async {
            let forged = BTreeSet::from([allow_all]);
            tenant.access().create_acls(forged).await
        }),
        refused("list users", cluster, async {
            tenant.access().scram_credentials(&[]).await
        }),
        refused("set the other's password", cluster, async move {
            let access = tenant.access();
            access.set_scram_credential(other, login, "forged").await
        }),
        refused("delete the other's password", cluster, async move {
            let access = tenant.access();
            access
                .delete_scram_credential(other, Mechanism::Sha256)
                .await
        }),
        refused("set its own password", cluster, async move {
            let access = tenant.access();
            access.set_scram_credential(own, login, "forged").await
        }),
        done("have no right on the cluster", async {
            let rights = tenant.access().cluster_rights().await?;
            match rights.unwrap_or_default() {
                none if none.is_empty() => Ok(()),
                some => Err(Failure::new(format!("it has {some:?}"))),
            }
        }),
    ]
}
