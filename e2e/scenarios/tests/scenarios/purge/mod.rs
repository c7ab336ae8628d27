//! The purge of a tenant deletes everything of the tenant in every backend, and nothing
//! else.

mod data;

use std::time::{Duration, Instant};

use akili_operator::backend::TenantKey;
use akili_scenarios::platform::{AUDIT_INTERVAL, Inventory, Kind, Operator, Platform, tenant_yaml};
use akili_testbed::command::stderr;
use anyhow::{Context, Result, ensure};
use serde_json::json;

/// A bucket with versioning, so that deleted and overwritten objects still exist.
const BUCKET: &str = "akili-versions";

/// Kinds that a purge deletes.
const PURGED: [Kind; 9] = [
    Kind::Role,
    Kind::Rows,
    Kind::ObjectStoreUser,
    Kind::Objects,
    Kind::Topics,
    Kind::ConsumerGroups,
    Kind::KafkaAccess,
    Kind::StarRocks,
    Kind::Kubernetes,
];

/// Kinds that an archived tenant keeps unchanged.
const DATA: [Kind; 3] = [Kind::Objects, Kind::Topics, Kind::Rows];

pub async fn purge_deletes_all_of_one_tenant_and_nothing_else() -> Result<()> {
    let platform = Platform::install().await?;
    platform.create_versioned_bucket(BUCKET).await?;
    let mut values = platform.values()?;
    values["config"]["objectStore"]["bucket"] = json!(BUCKET);
    platform.configure(&values)?;
    data::create_tables(&platform)?;
    let operator = platform.start_operator().await?;
    for slug in ["acme", "acme-2"] {
        platform.activate(slug)?;
    }
    data::fill(&platform, "acme", 110).await?;
    data::fill(&platform, "acme-2", 3).await?;

    let acme = platform.key_of("acme")?;
    let other = platform.key_of("acme-2")?;
    let had = inventory(&platform, &acme).await?;
    let others = inventory(&platform, &other).await?;
    for kind in PURGED {
        ensure!(had.count(kind) > 0, "acme has no {kind:?}: {had:#?}");
    }

    let began = Instant::now();
    platform
        .change_state("acme", "Archived", "ARCHIVED")
        .await?;
    let archived = platform.inventory(&acme, BUCKET, &DATA).await?;
    had.only(&DATA)
        .ensure_unchanged(&archived)
        .context("archiving deletes nothing")?;
    purge(&platform, "acme")?;
    wait_until_purged(&platform, "acme")?;
    println!("acme is purged after {:?}", began.elapsed());

    let left = inventory(&platform, &acme).await?;
    ensure!(left.is_empty(), "acme still has {left:#?}");
    others.ensure_unchanged(&inventory(&platform, &other).await?)?;
    ensure_tombstone(&platform, &acme)?;
    ensure_name_is_retired(&platform).await?;

    completes_after_kills(&platform, operator, &other).await
}

/// Returns everything of a tenant that a purge deletes.
async fn inventory(platform: &Platform, tenant: &TenantKey) -> Result<Inventory> {
    platform.inventory(tenant, BUCKET, &PURGED).await
}

fn purge(platform: &Platform, slug: &str) -> Result<()> {
    let now = json!({"state": "Archived", "retention": "0s"});
    platform.patch_spec("tenant", slug, &now)
}

/// Waits for the end of the purge and prints its progress.
fn wait_until_purged(platform: &Platform, slug: &str) -> Result<()> {
    let purged = ["--for", "PURGED", "--timeout", "3m"];
    let waited = platform.akili(&[&["tenant", "wait", slug], &purged[..]].concat())?;
    let progress = stderr(&waited);
    ensure!(waited.status.success(), "{progress}");
    for line in progress.lines().filter(|line| line.starts_with("Purged=")) {
        println!("{line}");
    }
    let phase = platform.status(slug, "phase")?;
    ensure!(
        phase == "ARCHIVED" && !platform.status(slug, "purgedAt")?.is_empty(),
        "{phase}"
    );
    Ok(())
}

fn ensure_tombstone(platform: &Platform, tenant: &TenantKey) -> Result<()> {
    let row = format!(
        "SELECT slug, state, purged_at IS NOT NULL FROM akili.tenants WHERE id = '{}'",
        tenant.id
    );
    let row = platform.superuser(&row)?;
    ensure!(row.trim() == "acme|ARCHIVED|t", "{row}");
    Ok(())
}

/// Checks that a Tenant of the same name is rejected, but the purged one wasn't.
async fn ensure_name_is_retired(platform: &Platform) -> Result<()> {
    platform.kubectl(&["delete", "tenant", "acme"])?;
    platform.apply(&tenant_yaml("acme"))?;
    platform
        .eventually("the name is retired", || {
            Ok(platform.reason("acme", "Stalled")? == "SlugRetired")
        })
        .await?;
    ensure!(
        platform.status("acme", "id")?.is_empty(),
        "the Tenant has an id"
    );
    platform.kubectl(&["delete", "tenant", "acme"]).map(drop)
}

/// Kills the operator at later and later stages of a purge.
async fn completes_after_kills(
    platform: &Platform,
    mut operator: Operator<'_>,
    tenant: &TenantKey,
) -> Result<()> {
    const KILLS: u32 = 6;
    data::put_objects(platform, "acme-2", 1000).await?;
    platform
        .change_state("acme-2", "Archived", "ARCHIVED")
        .await?;
    for kill in 1..=KILLS {
        let instant = kill * Duration::from_millis(500);
        operator
            .kill_after(|| purge(platform, "acme-2"), instant)
            .await?;
        let left = inventory(platform, tenant).await?;
        let left = PURGED.map(|kind| format!("{kind:?}: {}", left.count(kind)));
        println!("killed after {instant:?}; left: {}", left.join(", "));
        operator = platform.start_operator().await?;
    }
    wait_until_purged(platform, "acme-2")?;
    let left = inventory(platform, tenant).await?;
    ensure!(left.is_empty(), "acme-2 still has {left:#?}");
    ensure_no_further_calls(platform).await
}

/// Checks that a purged tenant causes no further calls; no other tenant exists.
async fn ensure_no_further_calls(platform: &Platform) -> Result<()> {
    let calls = || {
        let backends = ["object-store", "kafka", "starrocks"];
        backends
            .map(|backend| platform.backend_calls(backend))
            .into_iter()
            .collect::<Result<Vec<_>>>()
    };
    let before = calls()?;
    let rename = r#"{"spec":{"displayName":"Acme that was"}}"#;
    platform.kubectl(&["patch", "tenant", "acme-2", "--type=merge", "-p", rename])?;
    tokio::time::sleep(3 * AUDIT_INTERVAL).await;
    let generation = platform.kubectl(&[
        "get",
        "tenant",
        "acme-2",
        "-o",
        "jsonpath={.metadata.generation}",
    ])?;
    ensure!(
        platform.status("acme-2", "observedGeneration")? == generation,
        "the change isn't observed"
    );
    ensure!(calls()? == before, "{before:?} became {:?}", calls()?);
    Ok(())
}
