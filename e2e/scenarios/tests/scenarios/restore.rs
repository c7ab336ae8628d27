//! A restored etcd backup: tenants archived since stay closed, and no data is lost.

use akili_scenarios::platform::{AUDIT_INTERVAL, Platform};
use akili_testbed::command::succeed;
use anyhow::{Context, Result, ensure};

const EACH: usize = 5;

pub async fn restored_backup_reopens_no_archived_tenant() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    let named = |name: &str| (0..EACH).map(|n| format!("{name}-{n}")).collect::<Vec<_>>();
    let (archived, suspended) = (named("archived"), named("suspended"));
    platform.create("bystander")?;
    for slug in archived.iter().chain(&suspended) {
        platform.create(slug)?;
    }
    for slug in archived.iter().chain(&suspended) {
        platform.wait_active(slug)?;
    }
    platform.wait_active("bystander")?;

    let backup = platform.testbed.save_cluster().await?;
    for slug in &archived {
        succeed(&platform.akili(&["tenant", "archive", slug, "--confirm"])?)?;
    }
    for slug in &suspended {
        succeed(&platform.akili(&["tenant", "suspend", slug, "--confirm"])?)?;
    }
    for (slugs, phase) in [(&archived, "ARCHIVED"), (&suspended, "SUSPENDED")] {
        for slug in slugs {
            succeed(&platform.akili(&["tenant", "wait", slug, "--for", phase])?)?;
        }
    }
    platform.activate("recent")?;
    let id = platform.status("recent", "id")?;
    let rows = archived_rows(&platform)?;
    let logins = archived
        .iter()
        .map(|slug| platform.login_of(slug))
        .collect::<Result<Vec<_>>>()?;

    platform.testbed.restore_cluster(&backup).await?;
    let phase = platform.status(&archived[0], "phase")?;
    println!("restored: {} is {phase} again", archived[0]);

    for (slug, login) in archived.iter().zip(&logins) {
        platform
            .eventually(&format!("{slug} reports that it is archived"), || {
                Ok(platform.reason(slug, "Stalled")? == "TenantArchived"
                    && platform.status(slug, "phase")? == "ARCHIVED")
            })
            .await?;
        ensure!(platform.reason(slug, "Ready")? == "TenantArchived");
        let entered = platform.as_login(login, "SELECT 1")?;
        ensure!(!entered.status.success(), "{slug} can log in to PostgreSQL");
        is_closed_in_kubernetes(&platform, slug)?;
    }
    for slug in suspended.iter().map(String::as_str).chain(["bystander"]) {
        platform
            .eventually(&format!("{slug} is ready"), || {
                Ok(platform.reason(slug, "Ready")? == "Reached"
                    && platform.status(slug, "phase")? == "ACTIVE")
            })
            .await?;
        platform.wait_until_logins_work(slug).await?;
    }
    let active = "SELECT count(*) FROM akili.tenants WHERE state = 'ACTIVE'";
    let active = platform.superuser(active)?;
    ensure!(
        active.trim() == (EACH + 2).to_string(),
        "{active} are active"
    );

    let known = [
        "get",
        "tenant",
        "recent",
        "--ignore-not-found",
        "-o",
        "name",
    ];
    ensure!(
        platform.kubectl(&known)?.is_empty(),
        "the tenant is newer than the backup"
    );
    platform.activate("recent")?;
    ensure!(platform.status("recent", "id")? == id);
    platform.wait_until_logins_work("recent").await?;

    tokio::time::sleep(2 * AUDIT_INTERVAL).await;
    let rows_now = archived_rows(&platform)?;
    ensure!(rows == rows_now, "{rows} became {rows_now}");
    archive_again(&platform, &archived[0]).await
}

/// Returns the rows of archived tenants with their times; none may be purged.
fn archived_rows(platform: &Platform) -> Result<String> {
    let rows = "SELECT slug, id, archived_at, purge_after, purged_at FROM akili.tenants \
                WHERE state = 'ARCHIVED' ORDER BY slug";
    platform.superuser(rows)
}

fn is_closed_in_kubernetes(platform: &Platform, slug: &str) -> Result<()> {
    let (id, namespace) = (
        platform.status(slug, "id")?,
        platform.status(slug, "namespace")?,
    );
    for operation in [
        &["get", "secret", "akili-postgres"][..],
        &["get", "connections"],
        &["create", "secret", "generic", "mine"],
    ] {
        let answer = platform.as_user_of(&id, &namespace, operation)?;
        ensure!(!answer.status.success(), "{slug} may {operation:?}");
    }
    Ok(())
}

/// Archives the tenant again as an admin; then its state is consistent.
async fn archive_again(platform: &Platform, slug: &str) -> Result<()> {
    succeed(&platform.akili(&["tenant", "archive", slug, "--confirm", "--wait"])?)
        .context("an admin archives it again")?;
    ensure!(platform.reason(slug, "Ready")? == "Reached");
    ensure!(platform.reason(slug, "Stalled")?.is_empty());
    Ok(())
}
