//! Kafka clients: a tenant's, with the credentials of its Secret, and the admin's.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use akili_kafka_admin::{Acl, Admin, Mechanism, ScramCredential};
use anyhow::{Context, Result};
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use tokio::time::timeout;

use super::Platform;

const TIMEOUT: Duration = Duration::from_secs(10);
const POLL_TIMEOUT: Duration = Duration::from_millis(200);

/// Kafka clients of one login.
pub struct Kafka {
    config: ClientConfig,
    admin: Arc<AdminClient<DefaultClientContext>>,
}

/// Kafka clients of the admin.
pub struct KafkaAdmin {
    pub clients: Kafka,
    /// Requests for ACLs and SCRAM credentials.
    pub access: Admin<DefaultClientContext>,
}

impl Platform {
    /// Returns clients with the tenant's Secret `akili-kafka`, as an application uses it.
    pub fn kafka_of(&self, slug: &str) -> Result<Kafka> {
        let entries = self.secret_of(slug, "akili-kafka")?;
        let mut config = ClientConfig::new();
        for (property, entry) in [
            ("bootstrap.servers", "bootstrap-servers"),
            ("security.protocol", "security-protocol"),
            ("sasl.mechanism", "sasl-mechanism"),
            ("sasl.username", "username"),
            ("sasl.password", "password"),
            ("ssl.ca.pem", "ca.crt"),
        ] {
            let value = entries.get(entry);
            let value = value.with_context(|| format!("Secret akili-kafka has no {entry}"))?;
            config.set(property, value);
        }
        Ok(Kafka::new(config)?)
    }

    /// Returns clients of Kafka's admin, with all rights.
    pub fn kafka_admin(&self) -> Result<KafkaAdmin> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.testbed.kafka().internal_servers);
        let clients = Kafka::new(config)?;
        Ok(KafkaAdmin {
            access: clients.access(),
            clients,
        })
    }
}

impl Kafka {
    fn new(mut config: ClientConfig) -> KafkaResult<Self> {
        // An access to a missing topic must not create it.
        config
            .set("allow.auto.create.topics", "false")
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false");
        let admin = Arc::new(config.create()?);
        Ok(Self { config, admin })
    }

    /// Logs in on a new connection.
    ///
    /// # Errors
    /// Kafka's error, or a timeout.
    pub fn log_in(&self) -> KafkaResult<()> {
        let consumer: BaseConsumer = self.config.create()?;
        let began = Instant::now();
        loop {
            let answer = consumer.fetch_metadata(None, POLL_TIMEOUT);
            // Only the event reports the reason.
            match (answer, consumer.poll(Duration::ZERO)) {
                (Ok(_), _) => return Ok(()),
                (Err(_), Some(Err(rejection)))
                    if rejection.rdkafka_error_code() == Some(RDKafkaErrorCode::Authentication) =>
                {
                    return Err(rejection);
                }
                (Err(error), _) if began.elapsed() > TIMEOUT => return Err(error),
                (Err(_), _) => {}
            }
        }
    }

    /// Returns the client for ACLs and SCRAM credentials with this login.
    pub fn access(&self) -> Admin<DefaultClientContext> {
        Admin::new(self.admin.clone(), TIMEOUT)
    }

    /// Returns a producer with these additional properties.
    pub fn producer(&self, properties: &[(&str, &str)]) -> KafkaResult<FutureProducer> {
        self.with(properties).create()
    }

    /// Returns a consumer of a topic in a group.
    pub fn consumer(&self, topic: &str, group: &str) -> KafkaResult<StreamConsumer> {
        let consumer: StreamConsumer = self.with(&[("group.id", group)]).create()?;
        consumer.subscribe(&[topic])?;
        Ok(consumer)
    }

    pub async fn produce(&self, topic: &str, text: &str) -> KafkaResult<()> {
        produce(&self.producer(&[])?, topic, text).await
    }

    /// Sends a message with an idempotent producer.
    pub async fn produce_idempotently(&self, topic: &str, text: &str) -> KafkaResult<()> {
        let producer = self.producer(&[("enable.idempotence", "true")])?;
        produce(&producer, topic, text).await
    }

    /// Sends a message in a transaction.
    pub async fn produce_in_transaction(
        &self,
        id: &str,
        topic: &str,
        text: &str,
    ) -> KafkaResult<()> {
        let producer = self.producer(&[("transactional.id", id)])?;
        producer.init_transactions(TIMEOUT)?;
        producer.begin_transaction()?;
        produce(&producer, topic, text).await?;
        producer.commit_transaction(TIMEOUT)
    }

    /// Returns the next message of a topic for a group and commits its offset.
    pub async fn consume(&self, topic: &str, group: &str) -> KafkaResult<String> {
        let consumer = self.consumer(topic, group)?;
        let received = timeout(TIMEOUT, consumer.recv()).await;
        let message = received.map_err(|_| KafkaError::NoMessageReceived)??;
        consumer.commit_message(&message, CommitMode::Sync)?;
        Ok(String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned())
    }

    /// Returns the topics that this login can see.
    pub fn topics(&self) -> KafkaResult<BTreeSet<String>> {
        let metadata = self.admin.inner().fetch_metadata(None, TIMEOUT)?;
        let names = metadata
            .topics()
            .iter()
            .map(|topic| topic.name().to_owned());
        Ok(names.collect())
    }

    /// Returns the number of a topic's partitions.
    pub fn partitions(&self, topic: &str) -> KafkaResult<usize> {
        let metadata = self.admin.inner().fetch_metadata(Some(topic), TIMEOUT)?;
        match metadata.topics() {
            [found] => match found.error() {
                Some(error) => Err(KafkaError::MetadataFetch(error.into())),
                None => Ok(found.partitions().len()),
            },
            _ => Err(KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopic)),
        }
    }

    /// Creates a topic with one partition.
    pub async fn create_topic(&self, topic: &str) -> KafkaResult<()> {
        let new = NewTopic::new(topic, 1, TopicReplication::Fixed(-1));
        let created = self.admin.create_topics([&new], &options()).await?;
        each(created)
    }

    pub async fn delete_topics(&self, topics: &[&str]) -> KafkaResult<()> {
        each(self.admin.delete_topics(topics, &options()).await?)
    }

    /// Increases the number of a topic's partitions.
    pub async fn add_partitions(&self, topic: &str, total: usize) -> KafkaResult<()> {
        let new = NewPartitions::new(topic, total);
        each(self.admin.create_partitions([&new], &options()).await?)
    }

    /// Deletes all messages of a topic's first partition.
    pub async fn delete_records(&self, topic: &str) -> KafkaResult<()> {
        let mut until = TopicPartitionList::new();
        until.add_partition_offset(topic, 0, Offset::End)?;
        let deleted = self.admin.delete_records(&until, &options()).await?;
        deleted.elements().iter().try_for_each(|it| it.error())
    }

    pub async fn delete_group(&self, group: &str) -> KafkaResult<()> {
        each(self.admin.delete_groups(&[group], &options()).await?)
    }

    /// Returns the first and the next offset of each partition of a topic.
    pub fn offsets(&self, topic: &str) -> KafkaResult<Vec<(i64, i64)>> {
        let partitions = i32::try_from(self.partitions(topic)?).unwrap_or(i32::MAX);
        let offsets = |partition| {
            let client = self.admin.inner();
            client.fetch_watermarks(topic, partition, TIMEOUT)
        };
        (0..partitions).map(offsets).collect()
    }

    fn with(&self, properties: &[(&str, &str)]) -> ClientConfig {
        let mut config = self.config.clone();
        for (name, value) in properties {
            config.set(*name, *value);
        }
        config
    }
}

impl KafkaAdmin {
    /// Sets a user's password.
    pub async fn set_password(&self, user: &str, password: &str) -> Result<()> {
        let credential = ScramCredential {
            mechanism: Mechanism::Sha256,
            iterations: 4096,
        };
        let set = self.access.set_scram_credential(user, credential, password);
        Ok(set.await?)
    }

    /// Deletes ACLs, users and topics of all tenants.
    pub async fn delete_all_tenants(&self) -> Result<()> {
        let acls = self.access.acls(None).await?;
        let theirs = |acl: &Acl| acl.principal.starts_with("User:tenant-");
        let acls = acls.into_iter().filter(theirs).collect();
        self.access.delete_acls(acls).await?;
        let users = self.access.scram_credentials(&[]).await?;
        for (user, logins) in users {
            for login in logins.iter().filter(|_| user.starts_with("tenant-")) {
                let mechanism = login.mechanism;
                self.access
                    .delete_scram_credential(&user, mechanism)
                    .await?;
            }
        }
        let topics = self.clients.topics()?;
        // Only tenants' topics contain a dot here.
        let theirs = topics.iter().filter(|topic| topic.contains('.'));
        let theirs: Vec<&str> = theirs.map(String::as_str).collect();
        if !theirs.is_empty() {
            self.clients.delete_topics(&theirs).await?;
        }
        Ok(())
    }
}

/// Sends a message with this producer.
pub async fn produce(producer: &FutureProducer, topic: &str, text: &str) -> KafkaResult<()> {
    let record = FutureRecord::<(), _>::to(topic).payload(text).partition(0);
    let sent = timeout(TIMEOUT, producer.send(record, TIMEOUT)).await;
    let sent = sent.map_err(|_| KafkaError::Canceled)?;
    sent.map(drop).map_err(|(error, _)| error)
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(TIMEOUT))
}

/// Returns the first error of an answer with one result per requested object.
fn each(results: Vec<Result<String, (String, RDKafkaErrorCode)>>) -> KafkaResult<()> {
    let errors = results.into_iter().filter_map(Result::err);
    let mut errors = errors.map(|(_, code)| KafkaError::AdminOp(code));
    errors.next().map_or(Ok(()), Err)
}
