//! Kafka, with librdkafka and the login of the Secret `akili-kafka`.

use akili_e2e::platform::{Kafka, KafkaAdmin, Platform};
use anyhow::Result;
use async_trait::async_trait;

use crate::deed::{Answer, Deed, Plane};

/// A tenant's clients, beside topics of another's.
pub struct Topics {
    tenant: Kafka,
    admin: KafkaAdmin,
    own: String,
    other: String,
}

impl Topics {
    /// Both have a message in their topic.
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
        })
    }

    fn list_others(&self) -> Result<Answer> {
        let mut seen = self.tenant.topics()?.into_iter();
        let others = seen.any(|topic| !topic.starts_with(&self.own));
        Ok(if others {
            Answer::Done
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

    async fn attempt(&self, deed: Deed) -> Result<Answer> {
        let Self {
            tenant, own, other, ..
        } = self;
        let (events, group) = (format!("{own}events"), format!("{own}readers"));
        let (new, others) = (format!("{own}new"), format!("{other}events"));
        Ok(match deed {
            Deed::OwnRead => Answer::of(tenant.consume(&events, &group).await),
            Deed::OwnWrite => Answer::of(tenant.create_topic(&new).await),
            Deed::OwnDelete => Answer::of(tenant.delete_topics(&[&new]).await),
            Deed::OthersRead => Answer::of(tenant.consume(&others, &group).await),
            Deed::OthersWrite => Answer::of(tenant.produce(&others, "forged").await),
            Deed::OthersList => self.list_others()?,
            Deed::CreateOutside => Answer::of(tenant.create_topic("outside").await),
        })
    }

    async fn others(&self) -> Result<String> {
        let topics = self.admin.clients.topics()?;
        let mut others = Vec::new();
        for topic in topics {
            if topic.starts_with(&self.other) {
                others.push((self.admin.clients.offsets(&topic)?, topic));
            }
        }
        Ok(format!("{others:?}"))
    }

    fn refusals(&self) -> &'static [&'static str] {
        &["authorization failed"]
    }
}
