//! Who can do what in Kafka, in each state of a tenant; what is changed by hand, and what
//! was there before.

mod case;
pub mod drift;
pub mod ownership;
mod tenant;

use akili_scenarios::platform::{Kafka, KafkaAdmin, Platform};
use anyhow::{Result, ensure};

use case::Matrix;

pub async fn tenant_accesses_its_own_topics_only() -> Result<()> {
    let platform = Platform::install().await?;
    let admin = platform.kafka_admin()?;
    let _operator = platform.start_operator().await?;
    // Two names of which one begins like the other.
    platform.activate("streams")?;
    platform.activate("streams-2")?;
    let neighbour = platform.kafka_of("streams-2")?;
    neighbour.produce("streams-2.events", "a secret").await?;
    neighbour.produce("streams-2.events", "another").await?;
    neighbour
        .consume("streams-2.events", "streams-2.readers")
        .await?;

    let streams = platform.kafka_of("streams")?;
    let (own, other) = (
        user_of(&platform, "streams")?,
        user_of(&platform, "streams-2")?,
    );
    let mut matrix = Matrix::new(&admin, "streams");
    matrix
        .attempt("a tenant uses its own", tenant::uses_its_own(&streams))
        .await?;
    matrix
        .attempt(
            "a tenant tries the other's",
            tenant::tries_the_others(&streams),
        )
        .await?;
    matrix
        .attempt(
            "a tenant goes outside",
            tenant::goes_outside(&streams, &own, &other),
        )
        .await?;
    states(&platform, &admin, &streams, &mut matrix).await?;
    matrix.finish()
}

/// The same clients stay connected from one state to the next.
async fn states(
    platform: &Platform,
    admin: &KafkaAdmin,
    streams: &Kafka,
    matrix: &mut Matrix<'_>,
) -> Result<()> {
    platform
        .change_state("streams", "Suspended", "SUSPENDED")
        .await?;
    matrix
        .attempt("a suspended tenant", tenant::reads_its_own(streams))
        .await?;
    platform.change_state("streams", "Active", "ACTIVE").await?;
    matrix
        .attempt("a reactivated tenant", tenant::uses_its_own(streams))
        .await?;
    let before = admin.clients.offsets("streams.events")?;
    platform
        .change_state("streams", "Archived", "ARCHIVED")
        .await?;
    matrix
        .attempt("an archived tenant", tenant::has_no_access(streams))
        .await?;
    let after = admin.clients.offsets("streams.events")?;
    ensure!(before == after, "of {before:?} archiving left {after:?}");
    Ok(())
}

fn user_of(platform: &Platform, slug: &str) -> Result<String> {
    Ok(format!("tenant-{}", platform.status(slug, "id")?))
}
