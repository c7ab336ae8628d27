//! Access in Kafka in each state of a tenant, repair of manual changes, and existing
//! topics.

mod case;
pub mod drift;
pub mod ownership;
mod tenant;

use akili_scenarios::platform::{Kafka, Platform};
use anyhow::{Result, ensure};

use case::Tenant;

use crate::access_matrix::AccessMatrix;

pub async fn tenant_accesses_its_own_topics_only() -> Result<()> {
    let platform = Platform::install().await?;
    let admin = platform.kafka_admin()?;
    let _operator = platform.start_operator().await?;
    // One name is a prefix of the other.
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
    let mut tenant = Tenant {
        admin: &admin,
        slug: "streams",
    };
    let mut matrix = AccessMatrix::default();
    matrix
        .check(
            "a tenant uses its own",
            &mut tenant,
            tenant::uses_its_own(&streams),
        )
        .await?;
    matrix
        .check(
            "a tenant tries the other's",
            &mut tenant,
            tenant::tries_the_others(&streams),
        )
        .await?;
    matrix
        .check(
            "a tenant goes outside",
            &mut tenant,
            tenant::goes_outside(&streams, &own, &other),
        )
        .await?;
    states(&platform, &streams, &mut tenant, &mut matrix).await?;
    matrix.finish()
}

/// The same clients stay connected from one state to the next.
async fn states(
    platform: &Platform,
    streams: &Kafka,
    tenant: &mut Tenant<'_>,
    matrix: &mut AccessMatrix,
) -> Result<()> {
    platform
        .change_state("streams", "Suspended", "SUSPENDED")
        .await?;
    matrix
        .check("a suspended tenant", tenant, tenant::reads_its_own(streams))
        .await?;
    platform.change_state("streams", "Active", "ACTIVE").await?;
    matrix
        .check(
            "a reactivated tenant",
            tenant,
            tenant::uses_its_own(streams),
        )
        .await?;
    let before = tenant.admin.clients.offsets("streams.events")?;
    platform
        .change_state("streams", "Archived", "ARCHIVED")
        .await?;
    matrix
        .check("an archived tenant", tenant, tenant::has_no_access(streams))
        .await?;
    let after = tenant.admin.clients.offsets("streams.events")?;
    ensure!(
        before == after,
        "archiving changed the offsets from {before:?} to {after:?}"
    );
    Ok(())
}

fn user_of(platform: &Platform, slug: &str) -> Result<String> {
    Ok(format!("tenant-{}", platform.status(slug, "id")?))
}
