//! Manual changes are repaired without a change of the Tenant, and reported in an Event.

use std::time::{Duration, Instant};

use akili_scenarios::platform::{AUDIT_INTERVAL, Platform, StarRocks};
use anyhow::{Context, Result, ensure};

use super::name_of;

/// A few audits. State that StarRocks doesn't list is checked in every tenth audit.
const TIMEOUT: Duration = Duration::from_secs(4 * AUDIT_INTERVAL.as_secs());
const FULL_AUDIT_TIMEOUT: Duration = Duration::from_secs(16 * AUDIT_INTERVAL.as_secs());

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
    let changes = [
        (
            "a grant is revoked",
            in_catalog(format!("REVOKE INSERT {on_tables} FROM ROLE {name}")),
            "grant INSERT on ALL TABLES",
        ),
        (
            "a grant is added",
            vec![format!("GRANT OPERATE ON SYSTEM TO ROLE {name}")],
            "revoke OPERATE on SYSTEM from role",
        ),
        (
            "a grant is added to the user",
            vec![format!("GRANT USAGE ON ALL CATALOGS TO USER {name}")],
            "revoke USAGE on ALL CATALOGS from user",
        ),
        (
            "a grant can be handed on",
            vec![format!(
                "GRANT ALTER ON CATALOG {CATALOG} TO ROLE {name} WITH GRANT OPTION"
            )],
            "drop the role",
        ),
        (
            "a role is added",
            vec![format!("GRANT user_admin TO USER {name}")],
            "revoke role user_admin from user",
        ),
        (
            "the role is given to others",
            vec![format!("GRANT {name} TO ROLE public")],
            "from role public",
        ),
        (
            "the role is dropped",
            vec![format!("DROP ROLE {name}")],
            "create the role",
        ),
        (
            "the user is dropped",
            vec![format!("DROP USER {name}")],
            "create the user",
        ),
        (
            "the catalog is dropped",
            vec![
                "SET CATALOG default_catalog".into(),
                format!("DROP CATALOG {CATALOG}"),
            ],
            "create the catalog",
        ),
        (
            "the group is dropped",
            vec![format!("DROP RESOURCE GROUP {name}")],
            "create the resource group",
        ),
        (
            "the group is altered",
            vec![format!(
                "ALTER RESOURCE GROUP {name} WITH ('mem_limit' = '90%')"
            )],
            "change the resource group",
        ),
        (
            "the group has cores of its own",
            vec![format!(
                "ALTER RESOURCE GROUP {name} WITH ('cpu_weight' = '0', 'exclusive_cpu_cores' = '2')"
            )],
            "change the resource group",
        ),
        (
            "the group is for others",
            vec![format!(
                "ALTER RESOURCE GROUP {name} ADD (user = 'somebody')"
            )],
            "drop the classifiers of user=somebody",
        ),
    ];
    for (what, change, text) in changes {
        for sql in &change {
            admin.query(sql).await.with_context(|| sql.clone())?;
        }
        let began = Instant::now();
        while !(is_reported(&platform, text)? && held(&mut admin, &name).await? == good) {
            let now = held(&mut admin, &name).await?;
            ensure!(
                began.elapsed() < TIMEOUT,
                "{what}: {now} isn't {good}, or no event says {text}"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        print_repair(what, began);
    }
    hidden_change(&platform, &mut admin, &name).await
}

/// Changes that are visible only to a login, or in SHOW CREATE CATALOG.
async fn hidden_change(platform: &Platform, admin: &mut StarRocks, name: &str) -> Result<()> {
    admin
        .query(&format!("ALTER USER {name} IDENTIFIED BY 'by-hand'"))
        .await?;
    let began = Instant::now();
    while platform.starrocks_of("olapdrift").await.is_err() {
        let waited = began.elapsed();
        ensure!(waited < FULL_AUDIT_TIMEOUT, "the password was not repaired");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    print_repair("a password is set", began);
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
    // The catalog doesn't exist between its drop and its creation.
    let elsewhere = |rows: Vec<Vec<String>>| rows.concat().concat().contains("elsewhere");
    while admin.query(&show).await.map_or(true, elsewhere) {
        let waited = began.elapsed();
        ensure!(waited < FULL_AUDIT_TIMEOUT, "the catalog was not repaired");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    print_repair("the catalog is replaced under its own comment", began);
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

/// Returns the tenant's state in StarRocks, without generated ids and the salted hash in
/// the catalog's comment.
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
        // Missing objects are an error.
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

fn is_reported(platform: &Platform, text: &str) -> Result<bool> {
    let events = platform.events_of("tenant", "olapdrift", "")?;
    Ok(events.join(" ").contains(text))
}

fn print_repair(what: &str, began: Instant) {
    let took = began.elapsed().as_secs_f64();
    println!("{what}: repaired after {took:.1} s");
}
