//! A leader that doesn't know that it leads no longer: it gives up what it was about to
//! do when that began. What it had just sent, nobody can take back: a call for each of
//! those that it worked on, at most, and whoever leads then puts that right.

mod belongings;
mod tenants;
mod writes;

use std::time::{Duration, Instant};

use akili_scenarios::platform::{AUDIT_INTERVAL, LEASE_DURATION, Platform};
use anyhow::{Context, Result, ensure};

use belongings::Belongings;
use tenants::Tenants;
use writes::Writes;

/// How long after it was told the leader is interrupted: one tenant's move takes about
/// the first of them.
const INSTANTS: [Duration; 2] = [Duration::from_millis(250), Duration::from_millis(700)];

pub async fn thawed_leader_abandons_its_pending_steps() -> Result<()> {
    let platform = Platform::install().await?;
    for (round, instant) in INSTANTS.into_iter().enumerate() {
        frozen(&platform, &Tenants::of_round("frozen", round), instant)
            .await
            .with_context(|| format!("frozen after {instant:?}"))?;
    }
    Ok(())
}

pub async fn isolated_leader_stops_before_its_successor_starts() -> Result<()> {
    let platform = Platform::install().await?;
    for (round, instant) in INSTANTS.into_iter().enumerate() {
        cut_off(&platform, &Tenants::of_round("cut-off", round), instant)
            .await
            .with_context(|| format!("cut off after {instant:?}"))?;
    }
    Ok(())
}

pub async fn thawed_leader_continues_no_revoked_purge() -> Result<()> {
    let platform = Platform::install().await?;
    let slug = "hoarder";
    let _operator = platform.start_replicas(2).await?;
    let had = Belongings::fill(&platform, slug).await?;
    platform.change_state(slug, "Archived", "ARCHIVED").await?;
    let old = platform.leader()?.context("no replica leads")?;
    let purge = || had.keep_for(&platform, "0s");
    platform.freeze_pod_after(&old, purge, INSTANTS[1]).await?;
    // The admin changes their mind while nobody leads.
    had.keep_for(&platform, "2160h")?;
    another_leads(&platform, &old).await?;
    platform
        .eventually("what is left is kept", || {
            Ok(platform.reason(slug, "Purged")? == "Kept"
                && platform.reason(slug, "Ready")? == "Reached")
        })
        .await?;

    let kept = had.count(&platform).await?;
    thawed(&platform, &old).await?;
    tokio::time::sleep(3 * AUDIT_INTERVAL).await;
    let left = had.count(&platform).await?;
    println!("{kept} were left when it was frozen, and {left} after it was thawed");
    left.lost_at_most_a_step(&kept)
}

async fn frozen(platform: &Platform, tenants: &Tenants, instant: Duration) -> Result<()> {
    let _operator = platform.start_replicas(2).await?;
    tenants.make(platform).await?;
    let old = platform.leader()?.context("no replica leads")?;
    let moves = || tenants.begin_moves(platform);
    platform.freeze_pod_after(&old, moves, instant).await?;
    let began = Instant::now();
    tenants.show(platform)?;
    another_leads(platform, &old).await?;
    tenants.change_their_mind(platform)?;
    tenants.are_as_wanted(platform).await?;

    let before = Writes::of(platform, &old).await?;
    thawed(platform, &old).await?;
    println!("thawed after {:.1?}", began.elapsed());
    before.are_put_right(platform).await?;
    tenants.are_as_wanted(platform).await
}

/// It was frozen all the time, and begins anew.
async fn thawed(platform: &Platform, old: &str) -> Result<()> {
    ensure!(
        platform.restarts_of(old)? == 0,
        "{old} was killed while it was frozen"
    );
    platform.thaw_pod(old).await?;
    platform
        .eventually("the old leader has stopped", || {
            Ok(platform.restarts_of(old)? == 1)
        })
        .await
}

async fn cut_off(platform: &Platform, tenants: &Tenants, instant: Duration) -> Result<()> {
    let _operator = platform.start_replicas(2).await?;
    tenants.make(platform).await?;
    let old = platform.leader()?.context("no replica leads")?;
    let address = platform.address_of(&old)?;
    tenants.begin_moves(platform)?;
    tokio::time::sleep(instant).await;
    platform.testbed.isolate_pod(&address).await?;
    tenants.show(platform)?;
    another_leads(platform, &old).await?;
    // The way to the object store is open all the time.
    let by_old = writes::to_object_store(&address)?;
    tenants.change_their_mind(platform)?;
    tenants.are_as_wanted(platform).await?;
    let meanwhile = writes::to_object_store(&address)? - by_old;
    ensure!(
        meanwhile == 0,
        "the old leader wrote {meanwhile} times to the object store while another led"
    );

    let before = Writes::of(platform, &old).await?;
    platform.testbed.restore_network().await?;
    before.are_put_right(platform).await?;
    tenants.are_as_wanted(platform).await
}

async fn another_leads(platform: &Platform, old: &str) -> Result<()> {
    let began = Instant::now();
    platform
        .eventually("another replica leads", || {
            Ok(platform.leader()?.is_some_and(|now| now != old))
        })
        .await?;
    println!(
        "another leads after {:.1?}, with a lease of {LEASE_DURATION:?}",
        began.elapsed()
    );
    Ok(())
}
