//! Connected Kafka clients: Kafka authenticates a connection only once, so ACLs have to
//! close them.

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

const TIMEOUT: Duration = Duration::from_secs(20);

/// Opens one session of each kind and uses each.
pub async fn open(platform: &Platform, slug: &str) -> Result<Vec<Box<dyn Session>>> {
    let tenant = platform.kafka_of(slug)?;
    let topic = format!("{slug}.events");
    let producer = tenant.producer(&[])?;
    send(&producer, &topic, "before").await?;

    // An archived tenant can't leave a group, so each run uses its own group.
    let group = format!("{slug}.readers-{}", std::process::id());
    let consumer = tenant.consumer(&topic, &group)?;
    let message = timeout(TIMEOUT, consumer.recv())
        .await
        .context("nothing was read")??;
    consumer.commit_message(&message, CommitMode::Sync)?;
    drop(message);

    // Readers of committed messages would wait behind the transaction in the same topic.
    let booked = format!("{slug}.booked");
    tenant.create_topic(&booked).await?;
    let id = format!("{slug}.writer");
    let transaction = tenant.producer(&[("transactional.id", &id)])?;
    transaction.init_transactions(TIMEOUT)?;
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
        let refusal = rejection(send(&self.producer, &self.topic, "late").await)?;
        Ok(format!("is refused: {refusal}"))
    }
}

/// A transaction with an uncommitted message.
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
        rejection(send(&self.producer, &self.topic, "late").await)?;
        let commit = self.producer.commit_transaction(TIMEOUT);
        Ok(format!("can't be committed: {}", rejection(commit)?))
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

    /// Sends a message as the admin and reports whether the consumer receives it.
    async fn fate(&mut self, closing: Closing) -> Result<String> {
        self.admin.clients.produce(&self.topic, "after").await?;
        let received = timeout(TIMEOUT, self.consumer.recv()).await;
        let received = received.context("neither a message nor a rejection arrived")?;
        match closing {
            Closing::Suspended => {
                let message = received?;
                ensure!(message.payload() == Some(b"after"), "{message:?}");
                self.consumer.commit_message(&message, CommitMode::Sync)?;
                Ok("continues to read and to commit offsets".into())
            }
            Closing::Archived => {
                let read = rejection(received.map(drop))?;
                let position = self.consumer.position()?;
                let commit = rejection(self.consumer.commit(&position, CommitMode::Sync))?;
                Ok(format!(
                    "reads nothing more: {read}; commits nothing: {commit}"
                ))
            }
        }
    }
}

/// The tenant's clients and a topic for attempts.
pub struct Topics {
    tenant: Kafka,
    producer: FutureProducer,
    topic: String,
}

impl Topics {
    /// Connects the clients.
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
        Ok(answer.is_err_and(|error| is_rejection(&error)))
    }
}

async fn send(producer: &FutureProducer, topic: &str, text: &str) -> Result<(), KafkaError> {
    akili_scenarios::platform::produce(producer, topic, text).await
}

/// Returns Kafka's error code; fails unless the answer is a rejection.
fn rejection<T>(answer: Result<T, KafkaError>) -> Result<String> {
    match answer {
        Ok(_) => bail!("wasn't rejected"),
        Err(error) if is_rejection(&error) => {
            let code = error
                .rdkafka_error_code()
                .context("the rejection has no code")?;
            Ok(format!("{code:?}"))
        }
        Err(error) => Err(error.into()),
    }
}

fn is_rejection(error: &KafkaError) -> bool {
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
