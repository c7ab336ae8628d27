//! Kills of the operator: interrupted work is completed, and nothing is done twice.

use std::time::{Duration, Instant};

use akili_scenarios::platform::{LEASE_DURATION, Platform};
use anyhow::{Context, Result, ensure};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

pub async fn provisioning_completes_after_kills() -> Result<()> {
    const KILLS: u32 = 20;
    const SEED: u64 = 20_260_316;
    let platform = Platform::install().await?;
    let mut operator = platform.start_operator().await?;
    platform.activate("acme")?;
    let whole = platform.time_to_active("measured")?;
    println!("a provisioning takes {whole:?}; seed {SEED}");

    let mut random = StdRng::seed_from_u64(SEED);
    for kill in 0..KILLS {
        let slug = format!("killed-{kill}");
        let instant = whole.mul_f64((f64::from(kill) + random.random::<f64>()) / f64::from(KILLS));
        operator
            .kill_after(|| platform.create(&slug), instant)
            .await?;
        let phase = platform.status(&slug, "phase")?;
        operator = platform.start_operator().await?;
        platform.wait_active(&slug)?;
        ensure_complete(&platform, &slug).await?;
        println!("killed after {instant:?} (phase {phase:?}): ACTIVE and complete");
    }
    Ok(())
}

pub async fn killed_leader_is_replaced_by_the_other_replica() -> Result<()> {
    /// Time to notice the expired lease and to connect to the registry.
    const ALLOWANCE: Duration = Duration::from_secs(2);
    let platform = Platform::install().await?;
    let _operator = platform.start_replicas(2).await?;
    platform.activate("acme")?;
    let leader = platform.leader()?.context("no replica leads")?;

    let mark = platform.audit_mark()?;
    for slug in ["waiting-1", "waiting-2", "waiting-3"] {
        platform.create(slug)?;
    }
    platform.kill_pod(&leader).await?;
    let began = Instant::now();
    platform
        .eventually("another replica leads", || {
            Ok(platform.leader()?.is_some_and(|now| now != leader))
        })
        .await?;
    let headless = began.elapsed();
    println!("{headless:?} without a leader, with a lease of {LEASE_DURATION:?}");
    ensure!(
        headless < LEASE_DURATION + ALLOWANCE,
        "{headless:?} without a leader is too long"
    );

    for slug in ["waiting-1", "waiting-2", "waiting-3"] {
        platform.wait_active(slug)?;
        ensure_complete(&platform, slug).await?;
    }
    let namespace = platform.status("acme", "namespace")?;
    for request in platform.operators_requests_since(mark)? {
        ensure!(
            request.namespace != namespace || request.verb == "get",
            "finished work is repeated: {request:?}"
        );
    }
    Ok(())
}

/// Checks that the tenant has one row, one namespace, one role, and working logins.
async fn ensure_complete(platform: &Platform, slug: &str) -> Result<()> {
    let rows = platform.superuser(&format!(
        "SELECT count(*) || ' ' || min(state) FROM akili.tenants WHERE slug = '{slug}'"
    ))?;
    ensure!(rows.trim() == "1 ACTIVE", "{slug}: {rows}");
    let selector = format!("akili.io/tenant={slug},akili.io/state=ACTIVE");
    let namespaces = platform.kubectl(&["get", "ns", "-l", &selector, "-o", "name"])?;
    ensure!(namespaces.lines().count() == 1, "{slug}: {namespaces}");
    let (id, role) = (
        platform.status(slug, "id")?,
        platform.status(slug, "resources.postgres.role")?,
    );
    ensure!(
        role == format!("tenant_{}", id.replace('-', "")),
        "{slug}: {role} isn't the role of {id}"
    );
    platform.wait_until_logins_work(slug).await
}
