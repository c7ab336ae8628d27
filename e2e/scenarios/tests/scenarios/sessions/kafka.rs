//! Clients of Kafka that are connected: Kafka asks nobody for a password twice, so what
//! closes them are ACLs.

use std::time::Duration;

use akili_scenarios::platform::{Kafka, KafkaAdmin, Platform};
use anyhow::{Context, Result, bail, ensure};
use async_trait::async_trait;
use rdkafka::Message;
use rdkafka::consumer::{CommitMode, Consumer as _, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{FutureProducer, Producer as _};
use tokio::time::timeout;

use super::session::{Closing, Plane, Session};

const PATIENCE: Duration = Duration::from_secs(20);

/// One of each kind, connected and used.
pub async fn open(platform: &Platform, slug: &str) -> Result<Vec<Box<dyn Session>>> {
    let tenant = platform.kafka_of(slug)?;
    let topic = format!("{slug}.events");
    let producer = tenant.producer(&[])?;
    send(&producer, &topic, "before").await?;

    // Who is archived can't even leave a group: a run just before this one has its own.
    let group = format!("{slug}.readers-{}", std::process::id());
    let consumer = tenant.consumer(&topic, &group)?;
    let message = timeout(PATIENCE, consumer.recv())
        .await
        .context("nothing was read")??;
    consumer.commit_message(&message, CommitMode::Sync)?;
    drop(message);

    // Who reads what is committed would wait behind it, in its topic.
    let booked = format!("{slug}.booked");
    tenant.create_topic(&booked).await?;
    let id = format!("{slug}.writer");
    let transaction = tenant.producer(&[("transactional.id", &id)])?;
    transaction.init_transactions(PATIENCE)?;
    transaction.begin_transaction()?;
    send(&transaction, &booked, "uncommitted").await?;
    Ok(vec![
        Box::new(Producing {
            producer,
            topic: topic.clone(),
        }),
        Box::new(Transaction {
            producer: transaction,
            topic: booked,
        }),
        Box::new(Consuming {
            consumer,
            admin: platform.kafka_admin()?,
            topic,
        }),
    ])
}

struct Producing {
    producer: FutureProducer,
    topic: String,
}

#[async_trait]
impl Session for Producing {
    fn name(&self) -> String {
        "Kafka: a producer".into()
    }

    async fn fate(&mut self, _: Closing) -> Result<String> {
        let refusal = refusal(send(&self.producer, &self.topic, "late").await)?;
        Ok(format!("is refused: {refusal}"))
    }
}

/// With a message that isn't committed.
struct Transaction {
    producer: FutureProducer,
    topic: String,
}

#[async_trait]
impl Session for Transaction {
    fn name(&self) -> String {
        "Kafka: a producer's open transaction".into()
    }

    async fn fate(&mut self, _: Closing) -> Result<String> {
        refusal(send(&self.producer, &self.topic, "late").await)?;
        let commit = self.producer.commit_transaction(PATIENCE);
        Ok(format!("can't be committed: {}", refusal(commit)?))
    }
}

struct Consuming {
    consumer: StreamConsumer,
    admin: KafkaAdmin,
    topic: String,
}

#[async_trait]
impl Session for Consuming {
    fn name(&self) -> String {
        "Kafka: a consumer in its group".into()
    }

    /// An admin sends a message, which it gets or doesn't.
    async fn fate(&mut self, closing: Closing) -> Result<String> {
        self.admin.clients.produce(&self.topic, "after").await?;
        let received = timeout(PATIENCE, self.consumer.recv()).await;
        let received = received.context("it neither gets a message nor a refusal")?;
        match closing {
            Closing::Suspended => {
                let message = received?;
                ensure!(message.payload() == Some(b"after"), "{message:?}");
                self.consumer.commit_message(&message, CommitMode::Sync)?;
                Ok("goes on reading, and commits how far it is".into())
            }
            Closing::Archived => {
                let read = refusal(received.map(drop))?;
                let position = self.consumer.position()?;
                let commit = refusal(self.consumer.commit(&position, CommitMode::Sync))?;
                Ok(format!(
                    "reads nothing more: {read}; commits nothing: {commit}"
                ))
            }
        }
    }
}

/// The tenant's clients, and a topic for what is tried.
pub struct Topics {
    tenant: Kafka,
    producer: FutureProducer,
    topic: String,
}

impl Topics {
    /// Connected.
    pub async fn open(platform: &Platform, slug: &str) -> Result<Self> {
        let tenant = platform.kafka_of(slug)?;
        let topic = format!("{slug}.polled");
        tenant.create_topic(&topic).await?;
        let producer = tenant.producer(&[])?;
        send(&producer, &topic, "before").await?;
        Ok(Self {
            tenant,
            producer,
            topic,
        })
    }
}

#[async_trait]
impl Plane for Topics {
    fn name(&self) -> &'static str {
        "Kafka"
    }

    async fn is_closed(&mut self, closing: Closing) -> Result<bool> {
        let answer = match closing {
            Closing::Suspended => send(&self.producer, &self.topic, "polled").await,
            Closing::Archived => self.tenant.partitions(&self.topic).map(drop),
        };
        Ok(answer.is_err_and(|error| is_refusal(&error)))
    }
}

async fn send(producer: &FutureProducer, topic: &str, text: &str) -> Result<(), KafkaError> {
    akili_scenarios::platform::produce(producer, topic, text).await
}

/// Kafka's word; an error if it is anything but a refusal.
fn refusal<T>(answer: Result<T, KafkaError>) -> Result<String> {
    match answer {
        Ok(_) => bail!("wasn't refused"),
        Err(error) if is_refusal(&error) => {
            let code = error.rdkafka_error_code().context("a refusal has a code")?;
            Ok(format!("{code:?}"))
        }
        Err(error) => Err(error.into()),
    }
}

fn is_refusal(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::TransactionalIdAuthorizationFailed
        )
    )
}
