//! What a tenant has that a purge takes away piece by piece.

use std::fmt;

use akili_scenarios::platform::Platform;
use anyhow::{Result, ensure};
use serde_json::json;

const OBJECTS: usize = 5_000;
const TOPICS: usize = 300;
/// How many objects a step of a purge deletes, and how many topics.
const OBJECTS_A_STEP: usize = 200;
const TOPICS_A_STEP: usize = 100;

/// A tenant with much.
pub struct Belongings {
    slug: String,
    prefix: String,
}

impl Belongings {
    /// Makes the tenant, and gives it all that.
    pub async fn fill(platform: &Platform, slug: &str) -> Result<Self> {
        platform.activate(slug)?;
        platform.put_objects(slug, OBJECTS, 0).await?;
        let kafka = platform.kafka_of(slug)?;
        for topic in 1..TOPICS {
            kafka.create_topic(&format!("{slug}.{topic}")).await?;
        }
        Ok(Self {
            slug: slug.to_owned(),
            prefix: platform.object_store_of(slug)?.prefix,
        })
    }

    /// Says how long after its archiving all that is kept.
    pub fn keep_for(&self, platform: &Platform, retention: &str) -> Result<()> {
        platform.patch_spec("tenant", &self.slug, &json!({"retention": retention}))
    }

    /// How much of it is there.
    pub async fn count(&self, platform: &Platform) -> Result<Count> {
        let topics = platform.kafka_admin()?.clients.topics()?;
        let prefix = format!("{}.", self.slug);
        Ok(Count {
            objects: platform.objects_below(&self.prefix).await?,
            topics: topics.iter().filter(|it| it.starts_with(&prefix)).count(),
        })
    }
}

/// How many of each there are.
pub struct Count {
    objects: usize,
    topics: usize,
}

impl Count {
    /// A step of each was on its way at most.
    pub fn lost_at_most_a_step(&self, before: &Self) -> Result<()> {
        let objects = before.objects - self.objects;
        let topics = before.topics - self.topics;
        ensure!(
            objects <= OBJECTS_A_STEP && topics <= TOPICS_A_STEP,
            "the old leader deletes what is to be kept: of {before} {self} are left"
        );
        Ok(())
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} objects and {} topics", self.objects, self.topics)
    }
}
