//! The behaviour of StarRocks that the platform relies on, seen by the operator's login
//! and a tenant's. Runs against the stand-in, and against a real StarRocks if configured;
//! checks that need a metastore are skipped there.

use akili_testbed::{StarRocksHandle, Testbed};
use anyhow::{Context, Result, ensure};
use mysql_async::{Conn, Row, prelude::Queryable};

const PASSWORD: &str = "a-tenants-password";

pub async fn login_requires_the_correct_password() -> Result<()> {
    let testbed = Testbed::connect().await?;
    let starrocks = testbed.starrocks();
    for (user, password) in [
        (starrocks.user.as_str(), "wrong"),
        ("nobody_here", ""),
        ("root", ""),
    ] {
        let refusal = Conn::new(starrocks.options(user, password)).await;
        let refusal = refusal
            .err()
            .with_context(|| format!("{user} could log in"))?;
        assert_eq!(code_of(&refusal), Some(1045), "{user}: {refusal}");
    }
    Ok(())
}

pub async fn unknown_statement_is_rejected_and_connection_stays_open() -> Result<()> {
    let testbed = Testbed::connect().await?;
    let mut operator = operator(testbed.starrocks()).await?;
    let table = [
        ("FLUSH PRIVILEGES", 1064),
        ("SHOW CATALOGSX", 1064),
        ("SET CATALOG no_such_catalog", 5078),
        ("SHOW RESOURCE GROUP no_such_group", 5079),
        ("KILL 4000000000", 1094),
    ];
    for (statement, code) in table {
        refused(&mut operator, statement, code).await?;
    }
    let user: Option<String> = operator.query_first("SELECT current_user()").await?;
    assert_eq!(user, Some(format!("'{}'@'%'", testbed.starrocks().user)));
    Ok(())
}

pub async fn tenant_has_granted_privileges_only() -> Result<()> {
    let testbed = Testbed::connect().await?;
    let starrocks = testbed.starrocks();
    let mut operator = operator(starrocks).await?;
    let [one, two] = ["one", "two"].map(|name| format!("e2e_{name}_{}", rand::random::<u32>()));
    let outcome = async {
        for name in [&one, &two] {
            provision(&mut operator, name).await?;
        }
        audited(&mut operator, &one).await?;
        isolated(starrocks, &one, &two).await?;
        suspended(starrocks, &mut operator, &one).await
    }
    .await;
    for name in [&one, &two] {
        remove(&mut operator, name).await?;
    }
    outcome
}

pub async fn rows_stay_in_their_catalog_and_survive_a_restart() -> Result<()> {
    let testbed = Testbed::connect().await?;
    let starrocks = testbed.starrocks();
    let mut operator = operator(starrocks).await?;
    let version: Option<String> = operator.query_first("SELECT current_version()").await?;
    if !version.is_some_and(|version| version.ends_with("stand-in")) {
        eprintln!("skipped: a real StarRocks has no metastore here to make tables in");
        return Ok(());
    }
    let [one, two] = ["one", "two"].map(|name| format!("e2e_{name}_{}", rand::random::<u32>()));
    let outcome = async {
        for name in [&one, &two] {
            provision(&mut operator, name).await?;
        }
        written(starrocks, &one).await?;
        testbed.stop("starrocks-stand-in").await?;
        testbed.start("starrocks-stand-in").await?;
        kept(starrocks, &one, &two).await
    }
    .await;
    let mut operator = self::operator(starrocks).await?;
    for name in [&one, &two] {
        remove(&mut operator, name).await?;
    }
    outcome
}

/// Creates a catalog, role, user and resource group of the same name.
async fn provision(operator: &mut Conn, name: &str) -> Result<()> {
    for statement in [
        // A Hive metastore is contacted only when tables are listed.
        format!(
            "CREATE EXTERNAL CATALOG IF NOT EXISTS {name}_catalog COMMENT '{name}' PROPERTIES (\
             'type'='iceberg', 'iceberg.catalog.type'='hive', \
             'hive.metastore.uris'='thrift://192.0.2.1:9083', \
             'aws.s3.access_key'='an-access-key', 'aws.s3.secret_key'='a-secret-key')"
        ),
        format!("CREATE ROLE IF NOT EXISTS {name}"),
        format!("CREATE USER IF NOT EXISTS {name} IDENTIFIED BY 'another-password'"),
        format!("ALTER USER {name} IDENTIFIED BY '{PASSWORD}'"),
        format!("GRANT {name} TO USER {name}"),
        format!("SET DEFAULT ROLE {name} TO {name}"),
        format!("SET CATALOG {name}_catalog"),
        format!("GRANT USAGE, CREATE DATABASE ON CATALOG {name}_catalog TO ROLE {name}"),
        format!("GRANT CREATE TABLE ON ALL DATABASES TO ROLE {name}"),
        format!("GRANT SELECT, INSERT ON ALL TABLES IN ALL DATABASES TO ROLE {name}"),
        format!(
            "CREATE RESOURCE GROUP IF NOT EXISTS {name} TO (user='{name}') \
             WITH ('cpu_weight'='1', 'mem_limit'='10%')"
        ),
        format!("ALTER RESOURCE GROUP {name} WITH ('mem_limit'='20%')"),
    ] {
        operator
            .query_drop(&statement)
            .await
            .with_context(|| statement.clone())?;
    }
    Ok(())
}

async fn remove(operator: &mut Conn, name: &str) -> Result<()> {
    for statement in [
        "SET CATALOG default_catalog".to_owned(),
        format!("DROP CATALOG IF EXISTS {name}_catalog"),
        format!("DROP USER IF EXISTS {name}"),
        format!("DROP ROLE IF EXISTS {name}"),
        format!("DROP RESOURCE GROUP IF EXISTS {name}"),
    ] {
        operator
            .query_drop(&statement)
            .await
            .with_context(|| statement.clone())?;
    }
    Ok(())
}

/// Read back by the operator: of every tenant at once, but for the grants.
async fn audited(operator: &mut Conn, name: &str) -> Result<()> {
    let catalogs: Vec<(String, String, Option<String>)> = operator.query("SHOW CATALOGS").await?;
    let catalog = (
        format!("{name}_catalog"),
        "Iceberg".to_owned(),
        Some(name.to_owned()),
    );
    ensure!(catalogs.contains(&catalog), "{catalogs:?}");

    let statement: (String, String) = operator
        .query_first(format!("SHOW CREATE CATALOG {name}_catalog"))
        .await?
        .context("the catalog is gone")?;
    ensure!(!statement.1.contains("a-secret-key"), "{}", statement.1);

    let edges: Vec<(String, Option<String>)> = operator
        .query("SELECT FROM_ROLE, TO_USER FROM default_catalog.sys.role_edges")
        .await?;
    ensure!(
        edges.contains(&(name.to_owned(), Some(format!("'{name}'@'%'")))),
        "{edges:?}"
    );

    let groups: Vec<Row> = operator.query("SHOW VERBOSE RESOURCE GROUPS ALL").await?;
    let text = |row: &Row, column: &str| row.get::<String, _>(column).unwrap_or_default();
    let group = groups
        .iter()
        .find(|row| text(row, "name") == name)
        .context("no group")?;
    assert_eq!(text(group, "cpu_weight"), "1");
    assert_eq!(text(group, "mem_limit"), "20.0%");
    ensure!(
        text(group, "classifiers").contains(&format!("user={name}")),
        "{group:?}"
    );

    let grants: Vec<(String, Option<String>, String)> = operator
        .query(format!("SHOW GRANTS FOR ROLE {name}"))
        .await?;
    ensure!(grants.len() == 3, "{grants:?}");
    for (_, catalog, _) in grants {
        assert_eq!(catalog, Some(format!("{name}_catalog")));
    }
    Ok(())
}

/// A tenant's login sees its own catalog only, and can't make itself more.
async fn isolated(starrocks: &StarRocksHandle, one: &str, two: &str) -> Result<()> {
    let mut tenant = log_in(starrocks, one).await?;
    let catalogs: Vec<Row> = tenant.query("SHOW CATALOGS").await?;
    let catalogs: Vec<String> = catalogs
        .iter()
        .filter_map(|row| row.get("Catalog"))
        .collect();
    ensure!(catalogs.contains(&format!("{one}_catalog")), "{catalogs:?}");
    ensure!(
        !catalogs.contains(&format!("{two}_catalog")),
        "{catalogs:?}"
    );
    for statement in [
        format!("SET CATALOG {two}_catalog"),
        format!("DROP CATALOG {one}_catalog"),
        format!("GRANT {two} TO USER {one}"),
        format!("GRANT USAGE ON CATALOG {two}_catalog TO ROLE {one}"),
        format!("ALTER USER {two} IDENTIFIED BY 'mine-now'"),
        format!("ALTER RESOURCE GROUP {one} WITH ('mem_limit'='90%')"),
        format!("SHOW GRANTS FOR ROLE {two}"),
        "SHOW USERS".to_owned(),
        "SHOW BACKENDS".to_owned(),
    ] {
        refused(&mut tenant, &statement, 5203).await?;
    }
    tenant
        .query_drop(format!("SET CATALOG {one}_catalog"))
        .await?;
    Ok(())
}

/// Suspending: what is revoked is gone, and the open connection is ended.
async fn suspended(starrocks: &StarRocksHandle, operator: &mut Conn, name: &str) -> Result<()> {
    let mut tenant = log_in(starrocks, name).await?;
    for statement in [
        format!("SET CATALOG {name}_catalog"),
        format!("REVOKE INSERT ON ALL TABLES IN ALL DATABASES FROM ROLE {name}"),
        format!("REVOKE CREATE TABLE ON ALL DATABASES FROM ROLE {name}"),
    ] {
        operator
            .query_drop(&statement)
            .await
            .with_context(|| statement.clone())?;
    }
    let grants: Vec<(String, Option<String>, String)> = operator
        .query(format!("SHOW GRANTS FOR ROLE {name}"))
        .await?;
    ensure!(grants.len() == 2, "{grants:?}");

    let processes: Vec<Row> = operator.query("SHOW FULL PROCESSLIST").await?;
    let of_tenant = |row: &&Row| row.get::<String, _>("User").as_deref() == Some(name);
    let ids: Vec<u64> = processes
        .iter()
        .filter(of_tenant)
        .filter_map(|row| row.get("Id"))
        .collect();
    ensure!(!ids.is_empty(), "the tenant's connection isn't listed");
    for id in ids {
        operator.query_drop(format!("KILL {id}")).await?;
    }
    ensure!(
        tenant.query_drop("SELECT 1").await.is_err(),
        "the connection was not ended"
    );
    log_in(starrocks, name).await.map(drop)
}

async fn written(starrocks: &StarRocksHandle, name: &str) -> Result<()> {
    let mut tenant = log_in(starrocks, name).await?;
    for statement in [
        format!("SET CATALOG {name}_catalog"),
        "CREATE DATABASE d".to_owned(),
        "USE d".to_owned(),
        "CREATE TABLE t (id INT, name STRING)".to_owned(),
        "INSERT INTO t VALUES (1, 'a'), (2, 'b')".to_owned(),
    ] {
        tenant
            .query_drop(&statement)
            .await
            .with_context(|| statement.clone())?;
    }
    Ok(())
}

async fn kept(starrocks: &StarRocksHandle, one: &str, two: &str) -> Result<()> {
    let mut tenant = log_in(starrocks, one).await?;
    let read = format!("SELECT name FROM {one}_catalog.d.t WHERE id = 2");
    assert_eq!(tenant.query::<String, _>(&read).await?, ["b"]);
    let mut other = log_in(starrocks, two).await?;
    refused(&mut other, &read, 5203).await?;
    let write = format!("INSERT INTO {one}_catalog.d.t VALUES (3, 'c')");
    refused(&mut other, &write, 5203).await
}

async fn operator(starrocks: &StarRocksHandle) -> Result<Conn> {
    let options = starrocks.options(&starrocks.user, &starrocks.password);
    Conn::new(options)
        .await
        .context("the operator can't log in")
}

async fn log_in(starrocks: &StarRocksHandle, user: &str) -> Result<Conn> {
    let connection = Conn::new(starrocks.options(user, PASSWORD)).await;
    connection.with_context(|| format!("{user} can't log in"))
}

async fn refused(connection: &mut Conn, statement: &str, code: u16) -> Result<()> {
    let refusal = connection.query_drop(statement).await.err();
    let refusal = refusal.with_context(|| format!("{statement} was not rejected"))?;
    ensure!(code_of(&refusal) == Some(code), "{statement}: {refusal}");
    Ok(())
}

fn code_of(error: &mysql_async::Error) -> Option<u16> {
    match error {
        mysql_async::Error::Server(error) => Some(error.code),
        _ => None,
    }
}
