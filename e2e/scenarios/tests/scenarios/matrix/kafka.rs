//! Kafka, with librdkafka and the login of the Secret `akili-kafka`.

use std::sync::atomic::{AtomicUsize, Ordering};

use akili_scenarios::platform::{Kafka, KafkaAdmin, Platform};
use anyhow::Result;
use async_trait::async_trait;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use super::operation::{Held, Operation, Plane, State};
use crate::access_matrix::Answer;

/// A tenant's clients, beside another tenant's topics.
pub struct Topics {
    tenant: Kafka,
    admin: KafkaAdmin,
    own: String,
    other: String,
    groups: AtomicUsize,
}

impl Topics {
    /// Creates the clients; both tenants have a message in their topic.
    pub async fn open(platform: &Platform, own: &str, other: &str) -> Result<Self> {
        for slug in [own, other] {
            let tenant = platform.kafka_of(slug)?;
            tenant.produce(&format!("{slug}.events"), slug).await?;
        }
        Ok(Self {
            tenant: platform.kafka_of(own)?,
            admin: platform.kafka_admin()?,
            own: format!("{own}."),
            other: format!("{other}."),
            groups: AtomicUsize::new(0),
        })
    }

    /// Returns the name of a new consumer group.
    fn new_group(&self) -> String {
        let number = self.groups.fetch_add(1, Ordering::Relaxed);
        format!("{}readers-{number}", self.own)
    }

    fn held_below(&self, prefix: &str) -> Result<String> {
        let admin = &self.admin.clients;
        let topics = admin.topics()?.into_iter();
        let topics = topics.filter(|topic| topic.starts_with(prefix));
        let offsets: Result<Vec<_>, _> = topics
            .filter_map(|topic| match admin.offsets(&topic) {
                // A topic that is being deleted is listed for a moment.
                Err(KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopicOrPartition)) => None,
                offsets => Some(offsets.map(|offsets| (offsets, topic))),
            })
            .collect();
        Ok(format!("{:?}", offsets?))
    }

    fn list_others(&self) -> Result<Answer> {
        let mut seen = self.tenant.topics()?.into_iter();
        let others = seen.any(|topic| !topic.starts_with(&self.own));
        Ok(if others {
            Answer::Done(String::new())
        } else {
            Answer::Nothing
        })
    }
}

#[async_trait]
impl Plane for Topics {
    fn name(&self) -> &'static str {
        "Kafka"
    }

    async fn attempt(&self, operation: Operation) -> Result<Answer> {
        let Self {
            tenant, own, other, ..
        } = self;
        let (events, group) = (format!("{own}events"), self.new_group());
        let (new, others) = (format!("{own}new"), format!("{other}events"));
        if let Err(rejection) = tenant.log_in() {
            return Ok(Answer::Rejected(rejection.into()));
        }
        Ok(match operation {
            Operation::OwnRead => Answer::of(tenant.consume(&events, &group).await),
            Operation::OwnWrite => Answer::of(tenant.create_topic(&new).await),
            Operation::OwnDelete => Answer::of(tenant.delete_topics(&[&new]).await),
            Operation::OthersRead => Answer::of(tenant.consume(&others, &group).await),
            Operation::OthersWrite => Answer::of(tenant.produce(&others, "forged").await),
            Operation::OthersList => self.list_others()?,
            Operation::CreateOutside => Answer::of(tenant.create_topic("outside").await),
        })
    }

    async fn held(&self) -> Result<Held> {
        Ok(Held {
            own: self.held_below(&self.own)?,
            other: self.held_below(&self.other)?,
        })
    }

    fn rejections(&self, _: Operation, state: State) -> &'static [&'static str] {
        match state {
            State::Archived => &["Authentication failure"],
            _ => &["authorization failed"],
        }
    }
}
