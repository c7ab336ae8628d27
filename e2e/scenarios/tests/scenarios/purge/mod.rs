//! The end of a tenant: everything of its goes, in every backend, and nothing of
//! anybody else's.

mod belongings;
pub mod much;

use std::time::{Duration, Instant};

use akili_scenarios::platform::{AUDIT_INTERVAL, Operator, Platform, tenant_yaml};
use akili_testbed::command::stderr;
use anyhow::{Result, ensure};
use serde_json::json;

use belongings::Belongings;

/// A bucket that keeps versions, so that what was deleted or written over is there too.
const BUCKET: &str = "akili-versions";

pub async fn purge_deletes_all_of_one_tenant_and_nothing_else() -> Result<()> {
    let platform = Platform::install().await?;
    platform.make_bucket_with_versions(BUCKET).await?;
    let mut values = platform.values()?;
    values["config"]["objectStore"]["bucket"] = json!(BUCKET);
    platform.configure(&values)?;
    belongings::make_tables(&platform)?;
    let operator = platform.start_operator().await?;
    for slug in ["acme", "acme-2"] {
        platform.activate(slug)?;
    }
    belongings::fill(&platform, "acme", 110).await?;
    belongings::fill(&platform, "acme-2", 3).await?;

    let of_acme = Belongings::of(&platform, "acme")?;
    let of_other = Belongings::of(&platform, "acme-2")?;
    let (had, others) = (
        of_acme.list(&platform).await?,
        of_other.list(&platform).await?,
    );
    ensure!(had.values().all(|there| !there.is_empty()), "{had:#?}");

    let began = Instant::now();
    platform
        .change_state("acme", "Archived", "ARCHIVED")
        .await?;
    ensure!(
        of_acme.data(&platform).await? == had_data(&had),
        "archiving deletes nothing"
    );
    purge(&platform, "acme")?;
    is_purged(&platform, "acme")?;
    println!("acme is purged after {:?}", began.elapsed());

    for (backend, left) in of_acme.list(&platform).await? {
        ensure!(left.is_empty(), "{backend} still has {left:#?}");
    }
    let others_now = of_other.list(&platform).await?;
    ensure!(others_now == others, "{others:#?} became {others_now:#?}");
    is_a_tombstone(&platform, &of_acme)?;
    its_name_is_retired(&platform).await?;

    goes_on_after_kills(&platform, operator, &of_other).await
}

fn had_data(had: &belongings::List) -> belongings::List {
    let data = ["objects", "topics", "rows"];
    let had = had.iter().filter(|(backend, _)| data.contains(backend));
    had.map(|(backend, there)| (*backend, there.clone()))
        .collect()
}

fn purge(platform: &Platform, slug: &str) -> Result<()> {
    let now = json!({"state": "Archived", "retention": "0s"});
    platform.patch_spec("tenant", slug, &now)
}

/// Shows what is said of the purge meanwhile.
fn is_purged(platform: &Platform, slug: &str) -> Result<()> {
    let purged = ["--for", "PURGED", "--timeout", "3m"];
    let waited = platform.akili(&[&["tenant", "wait", slug], &purged[..]].concat())?;
    let told = stderr(&waited);
    ensure!(waited.status.success(), "{told}");
    for line in told.lines().filter(|line| line.starts_with("Purged=")) {
        println!("{line}");
    }
    let phase = platform.status(slug, "phase")?;
    ensure!(
        phase == "ARCHIVED" && !platform.status(slug, "purgedAt")?.is_empty(),
        "{phase}"
    );
    Ok(())
}

fn is_a_tombstone(platform: &Platform, tenant: &Belongings) -> Result<()> {
    let row = format!(
        "SELECT slug, state, purged_at IS NOT NULL FROM akili.tenants WHERE id = '{}'",
        tenant.id
    );
    let row = platform.superuser(&row)?;
    ensure!(row.trim() == "acme|ARCHIVED|t", "{row}");
    Ok(())
}

/// The Tenant that is made again is told so; the one that was purged wasn't.
async fn its_name_is_retired(platform: &Platform) -> Result<()> {
    platform.kubectl(&["delete", "tenant", "acme"])?;
    platform.apply(&tenant_yaml("acme"))?;
    platform
        .eventually("the name is retired", || {
            Ok(platform.reason("acme", "Stalled")? == "SlugRetired")
        })
        .await?;
    ensure!(platform.status("acme", "id")?.is_empty(), "it has an id");
    platform.kubectl(&["delete", "tenant", "acme"]).map(drop)
}

/// Killed at one stage after the other, until there is nothing left to kill it at.
async fn goes_on_after_kills(
    platform: &Platform,
    mut operator: Operator<'_>,
    tenant: &Belongings,
) -> Result<()> {
    const KILLS: u32 = 6;
    belongings::put_objects(platform, "acme-2", 1000).await?;
    platform
        .change_state("acme-2", "Archived", "ARCHIVED")
        .await?;
    for kill in 1..=KILLS {
        let instant = kill * Duration::from_millis(500);
        operator
            .kill_after(|| purge(platform, "acme-2"), instant)
            .await?;
        let left = tenant.list(platform).await?.into_iter();
        let left = left.map(|(backend, there)| format!("{backend}: {}", there.len()));
        println!(
            "killed after {instant:?}; left: {}",
            left.collect::<Vec<_>>().join(", ")
        );
        operator = platform.start_operator().await?;
    }
    is_purged(platform, "acme-2")?;
    for (backend, left) in tenant.list(platform).await? {
        ensure!(left.is_empty(), "{backend} still has {left:#?}");
    }
    costs_nothing_more(platform).await
}

/// There is no other tenant by now.
async fn costs_nothing_more(platform: &Platform) -> Result<()> {
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
        "it isn't seen"
    );
    ensure!(calls()? == before, "{before:?} became {:?}", calls()?);
    Ok(())
}
