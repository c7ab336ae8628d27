//! Data of a tenant that a purge deletes step by step.

use akili_operator::backend::TenantKey;
use akili_scenarios::platform::{BUCKET, Inventory, Kind, Platform};
use anyhow::{Result, ensure};
use serde_json::json;

const OBJECTS: usize = 5_000;
const TOPICS: usize = 300;
/// Objects and topics that one step of a purge deletes.
const OBJECTS_PER_STEP: usize = 200;
const TOPICS_PER_STEP: usize = 100;

/// Creates a tenant with many objects and topics.
pub async fn fill(platform: &Platform, slug: &str) -> Result<TenantKey> {
    platform.activate(slug)?;
    platform.put_objects(slug, OBJECTS, 0).await?;
    let kafka = platform.kafka_of(slug)?;
    for topic in 1..TOPICS {
        kafka.create_topic(&format!("{slug}.{topic}")).await?;
    }
    platform.key_of(slug)
}

/// Sets the retention of the archived tenant.
pub fn keep_for(platform: &Platform, slug: &str, retention: &str) -> Result<()> {
    platform.patch_spec("tenant", slug, &json!({"retention": retention}))
}

/// Returns the remaining objects and topics.
pub async fn left(platform: &Platform, tenant: &TenantKey) -> Result<Inventory> {
    let kinds = [Kind::Objects, Kind::Topics];
    platform.inventory(tenant, BUCKET, &kinds).await
}

pub fn describe(left: &Inventory) -> String {
    let (objects, topics) = (left.count(Kind::Objects), left.count(Kind::Topics));
    format!("{objects} objects and {topics} topics")
}

/// Checks that at most the step that was under way has been applied.
pub fn lost_at_most_one_step(before: &Inventory, now: &Inventory) -> Result<()> {
    let lost = |kind| before.count(kind) - now.count(kind);
    ensure!(
        lost(Kind::Objects) <= OBJECTS_PER_STEP && lost(Kind::Topics) <= TOPICS_PER_STEP,
        "the old leader continues the purge: of {} {} are left",
        describe(before),
        describe(now)
    );
    Ok(())
}
