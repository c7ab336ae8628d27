//! What is changed by hand is repaired without anybody touching the Tenant, and an Event
//! says what was.

use std::time::{Duration, Instant};

use akili_scenarios::platform::{AUDIT_INTERVAL, Platform, StarRocks};
use anyhow::{Context, Result, ensure};

use super::name_of;

/// A few audits. What StarRocks doesn't show takes the look through and through, once in
/// ten of them.
const PATIENCE: Duration = Duration::from_secs(4 * AUDIT_INTERVAL.as_secs());
const LONG_PATIENCE: Duration = Duration::from_secs(16 * AUDIT_INTERVAL.as_secs());

const CATALOG: &str = "tenant_olapdrift_catalog";

pub async fn manual_change_is_repaired_and_reported() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    platform.activate("olapdrift")?;
    let name = name_of(&platform, "olapdrift")?;
    let mut admin = platform.starrocks_of_operator().await?;
    let good = held(&mut admin, &name).await?;

    let in_catalog = |sql: String| vec![format!("SET CATALOG {CATALOG}"), sql];
    let on_tables = "ON ALL TABLES IN ALL DATABASES";
    let harms = [
        (
            "a grant is revoked",
            in_catalog(format!("REVOKE INSERT {on_tables} FROM ROLE {name}")),
            "granted INSERT on ALL TABLES",
        ),
        (
            "a grant is added",
            vec![format!("GRANT OPERATE ON SYSTEM TO ROLE {name}")],
            "revoked OPERATE on SYSTEM from role",
        ),
        (
            "a grant is added to the user",
            vec![format!("GRANT USAGE ON ALL CATALOGS TO USER {name}")],
            "revoked USAGE on ALL CATALOGS from user",
        ),
        (
            "a grant can be handed on",
            vec![format!(
                "GRANT ALTER ON CATALOG {CATALOG} TO ROLE {name} WITH GRANT OPTION"
            )],
            "dropped the role",
        ),
        (
            "a role is added",
            vec![format!("GRANT user_admin TO USER {name}")],
            "revoked role user_admin from user",
        ),
        (
            "the role is given to others",
            vec![format!("GRANT {name} TO ROLE public")],
            "from role public",
        ),
        (
            "the role is dropped",
            vec![format!("DROP ROLE {name}")],
            "created the role",
        ),
        (
            "the user is dropped",
            vec![format!("DROP USER {name}")],
            "created the user",
        ),
        (
            "the catalog is dropped",
            vec![
                "SET CATALOG default_catalog".into(),
                format!("DROP CATALOG {CATALOG}"),
            ],
            "created the catalog",
        ),
        (
            "the group is dropped",
            vec![format!("DROP RESOURCE GROUP {name}")],
            "created the resource group",
        ),
        (
            "the group is altered",
            vec![format!(
                "ALTER RESOURCE GROUP {name} WITH ('mem_limit' = '90%')"
            )],
            "changed the resource group",
        ),
        (
            "the group has cores of its own",
            vec![format!(
                "ALTER RESOURCE GROUP {name} WITH ('cpu_weight' = '0', 'exclusive_cpu_cores' = '2')"
            )],
            "changed the resource group",
        ),
        (
            "the group is for others",
            vec![format!(
                "ALTER RESOURCE GROUP {name} ADD (user = 'somebody')"
            )],
            "dropped the classifiers of user=somebody",
        ),
    ];
    for (what, harm, told) in harms {
        for sql in &harm {
            admin.query(sql).await.with_context(|| sql.clone())?;
        }
        let began = Instant::now();
        while !(told_of(&platform, told)? && held(&mut admin, &name).await? == good) {
            let now = held(&mut admin, &name).await?;
            ensure!(
                began.elapsed() < PATIENCE,
                "{what}: {now} isn't {good}, or no event says {told}"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        report(what, began);
    }
    hidden_harm(&platform, &mut admin, &name).await
}

/// What shows only to who logs in, or looks closely.
async fn hidden_harm(platform: &Platform, admin: &mut StarRocks, name: &str) -> Result<()> {
    admin
        .query(&format!("ALTER USER {name} IDENTIFIED BY 'by-hand'"))
        .await?;
    let began = Instant::now();
    while platform.starrocks_of("olapdrift").await.is_err() {
        let waited = began.elapsed();
        ensure!(waited < LONG_PATIENCE, "the password was not repaired");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    report("a password is set", began);
    let set = "set the password of Secret akili-starrocks";
    platform.until_event("tenant", "olapdrift", set).await?;

    let show = format!("SHOW CREATE CATALOG {CATALOG}");
    let catalogs = admin.query("SHOW CATALOGS").await?;
    let catalog = catalogs.into_iter().find(|row| row[0] == CATALOG);
    let comment = catalog.context("the catalog is gone")?[2].clone();
    let forged = format!(
        "CREATE EXTERNAL CATALOG {CATALOG} COMMENT '{comment}' PROPERTIES ('type' = 'iceberg', \
         'iceberg.catalog.type' = 'rest', 'iceberg.catalog.uri' = 'https://elsewhere')"
    );
    for sql in [&format!("DROP CATALOG {CATALOG}"), &forged] {
        admin.query(sql).await?;
    }
    let began = Instant::now();
    // Between being dropped and made again it isn't there.
    let elsewhere = |rows: Vec<Vec<String>>| rows.concat().concat().contains("elsewhere");
    while admin.query(&show).await.map_or(true, elsewhere) {
        let waited = began.elapsed();
        ensure!(waited < LONG_PATIENCE, "the catalog was not repaired");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    report("the catalog is replaced under its own comment", began);
    platform
        .eventually("the tenant uses its catalog again", || {
            Ok(platform.reason("olapdrift", "CatalogReady")? == "Converged")
        })
        .await?;
    let mut tenant = platform.starrocks_of("olapdrift").await?;
    tenant
        .query(&format!("CREATE DATABASE {CATALOG}.d"))
        .await?;
    Ok(())
}

/// What StarRocks shows of the tenant, but numbers that are counted on and the salted
/// hash in the catalog's comment.
async fn held(admin: &mut StarRocks, name: &str) -> Result<String> {
    let user = format!("'{name}'@'%'");
    let mut held = String::new();
    for sql in [
        format!("SHOW GRANTS FOR ROLE {name}"),
        format!("SHOW GRANTS FOR USER {name}"),
        format!("SHOW VERBOSE RESOURCE GROUP {name}"),
        format!(
            "SELECT FROM_ROLE, TO_ROLE, TO_USER FROM default_catalog.sys.role_edges WHERE FROM_ROLE = '{name}'"
        ),
        format!(
            "SELECT FROM_ROLE FROM default_catalog.sys.role_edges WHERE TO_USER = '''{name}''@''%'''"
        ),
    ] {
        // What isn't there is an error.
        let mut rows = admin.query(&sql).await.unwrap_or_default();
        if sql.contains("RESOURCE GROUP") {
            for row in &mut rows {
                row[1].clear();
                let (_, conditions) = row[11].split_once(',').unwrap_or_default();
                row[11] = conditions.to_owned();
            }
        }
        rows.iter_mut().for_each(|row| row.sort());
        rows.sort();
        held += &format!("{rows:?}\n");
    }
    for (list, name) in [
        ("SHOW USERS", user.as_str()),
        ("SHOW ROLES", name),
        ("SHOW CATALOGS", CATALOG),
    ] {
        let there = admin.query(list).await?.iter().any(|row| row[0] == name);
        held += &format!("{list}: {there}\n");
    }
    Ok(held)
}

fn told_of(platform: &Platform, told: &str) -> Result<bool> {
    let events = platform.events_of("tenant", "olapdrift", "")?;
    Ok(events.join(" ").contains(told))
}

fn report(what: &str, began: Instant) {
    let took = began.elapsed().as_secs_f64();
    println!("{what}: repaired after {took:.1} s");
}
