//! A former leader that hasn't noticed the loss of its lease: its pending steps are
//! abandoned. Calls already sent can't be taken back: at most one per tenant under way,
//! which the new leader corrects.

mod data;
mod tenants;
mod writes;

use std::time::{Duration, Instant};

use akili_scenarios::platform::{AUDIT_INTERVAL, LEASE_DURATION, Platform};
use anyhow::{Context, Result, ensure};

use tenants::Tenants;
use writes::Writes;

/// Times between a change and the leader's interruption. One tenant's transition takes
/// about the first of them.
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
    let tenant = data::fill(&platform, slug).await?;
    platform.change_state(slug, "Archived", "ARCHIVED").await?;
    let old = platform.leader()?.context("no replica leads")?;
    let purge = || data::keep_for(&platform, slug, "0s");
    platform.freeze_pod_after(&old, purge, INSTANTS[1]).await?;
    // The admin revokes the purge while nobody leads.
    data::keep_for(&platform, slug, "2160h")?;
    another_leads(&platform, &old).await?;
    platform
        .eventually("the remaining data is kept", || {
            Ok(platform.reason(slug, "Purged")? == "Kept"
                && platform.reason(slug, "Ready")? == "Reached")
        })
        .await?;

    let kept = data::left(&platform, &tenant).await?;
    thawed(&platform, &old).await?;
    tokio::time::sleep(3 * AUDIT_INTERVAL).await;
    let left = data::left(&platform, &tenant).await?;
    println!(
        "{} were left when it was frozen, and {} after it was thawed",
        data::describe(&kept),
        data::describe(&left)
    );
    data::lost_at_most_one_step(&kept, &left)
}

async fn frozen(platform: &Platform, tenants: &Tenants, instant: Duration) -> Result<()> {
    let _operator = platform.start_replicas(2).await?;
    tenants.create(platform).await?;
    let old = platform.leader()?.context("no replica leads")?;
    let transitions = || tenants.start_transitions(platform);
    platform
        .freeze_pod_after(&old, transitions, instant)
        .await?;
    let began = Instant::now();
    tenants.print_progress(platform)?;
    another_leads(platform, &old).await?;
    tenants.revoke_transitions(platform)?;
    tenants.wait_until_settled(platform).await?;

    let before = Writes::of(platform, &old).await?;
    thawed(platform, &old).await?;
    println!("thawed after {:.1?}", began.elapsed());
    before.ensure_corrected(platform).await?;
    tenants.wait_until_settled(platform).await
}

/// Thaws the old leader and waits until its container is restarted.
async fn thawed(platform: &Platform, old: &str) -> Result<()> {
    ensure!(
        platform.restarts_of(old)? == 0,
        "{old} was killed while it was frozen"
    );
    platform.thaw_pod(old).await?;
    platform
        .eventually("the old leader is restarted", || {
            Ok(platform.restarts_of(old)? == 1)
        })
        .await
}

async fn cut_off(platform: &Platform, tenants: &Tenants, instant: Duration) -> Result<()> {
    let _operator = platform.start_replicas(2).await?;
    tenants.create(platform).await?;
    let old = platform.leader()?.context("no replica leads")?;
    let address = platform.address_of(&old)?;
    tenants.start_transitions(platform)?;
    tokio::time::sleep(instant).await;
    platform.testbed.isolate_pod(&address).await?;
    tenants.print_progress(platform)?;
    another_leads(platform, &old).await?;
    // The object store stays reachable for the old leader.
    let by_old = writes::to_object_store(&address)?;
    tenants.revoke_transitions(platform)?;
    tenants.wait_until_settled(platform).await?;
    let meanwhile = writes::to_object_store(&address)? - by_old;
    ensure!(
        meanwhile == 0,
        "the old leader wrote {meanwhile} times to the object store while another led"
    );

    let before = Writes::of(platform, &old).await?;
    platform.testbed.restore_network().await?;
    before.ensure_corrected(platform).await?;
    tenants.wait_until_settled(platform).await
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
