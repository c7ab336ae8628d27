//! Attempts of the tenant `olap`, beside `olap-2`.

use akili_scenarios::platform::StarRocks;
use anyhow::{Result, ensure};

use super::case::{Case, DENIED, Neighbour, done, rejected};

const OTHER: &str = "tenant_olap_2_catalog";

/// Uses the tenant's own catalog.
pub fn uses_its_own() -> Vec<Case> {
    [
        "SET CATALOG tenant_olap_catalog",
        "CREATE DATABASE sales",
        "CREATE TABLE sales.orders (id INT, name STRING)",
        "INSERT INTO sales.orders VALUES (1, 'a'), (2, 'b')",
        "SELECT * FROM sales.orders",
        "DELETE FROM sales.orders WHERE id = 2",
        "CREATE TABLE sales.more (id INT)",
        "DROP TABLE sales.more",
        "CREATE DATABASE more",
        "DROP DATABASE more",
        "SHOW CREATE CATALOG tenant_olap_catalog",
        "SHOW GRANTS",
    ]
    .map(done)
    .into()
}

/// Checks that lists show the tenant's own objects only.
pub async fn sees_its_own(tenant: &mut StarRocks, own: &str) -> Result<()> {
    let catalogs = tenant.query("SHOW CATALOGS").await?;
    let catalogs: Vec<&str> = catalogs.iter().map(|row| row[0].as_str()).collect();
    ensure!(
        catalogs == ["default_catalog", "tenant_olap_catalog"],
        "it sees {catalogs:?}"
    );
    let connections = tenant.query("SHOW FULL PROCESSLIST").await?;
    let users: Vec<&str> = connections.iter().map(|row| row[2].as_str()).collect();
    ensure!(users == [own], "it sees connections of {users:?}");
    Ok(())
}

/// The other tenant's objects are closed.
pub fn tries_the_others(neighbour: &Neighbour) -> Vec<Case> {
    let name = &neighbour.name;
    [
        format!("SET CATALOG {OTHER}"),
        format!("SHOW CREATE CATALOG {OTHER}"),
        format!("SHOW DATABASES FROM {OTHER}"),
        format!("USE {OTHER}.d"),
        format!("SELECT * FROM {OTHER}.d.t"),
        format!("INSERT INTO {OTHER}.d.t VALUES (2, 'forged')"),
        format!("DELETE FROM {OTHER}.d.t WHERE id = 1"),
        format!("DROP TABLE {OTHER}.d.t"),
        format!("CREATE TABLE {OTHER}.d.forged (id INT)"),
        format!("CREATE DATABASE {OTHER}.forged"),
        format!("DROP DATABASE {OTHER}.d"),
        format!("DROP CATALOG {OTHER}"),
        format!("SHOW GRANTS FOR {name}"),
        format!("SHOW GRANTS FOR ROLE {name}"),
        format!("ALTER USER {name} IDENTIFIED BY 'mine-now'"),
        format!("DROP USER {name}"),
        format!("DROP ROLE {name}"),
        format!("ALTER RESOURCE GROUP {name} WITH ('mem_limit' = '1%')"),
        format!("DROP RESOURCE GROUP {name}"),
        format!("KILL {}", neighbour.connection),
    ]
    .map(|sql| rejected(DENIED, sql))
    .into()
}

/// Everything outside the tenant's catalog is closed.
pub fn goes_outside(own: &str, neighbour: &Neighbour) -> Vec<Case> {
    let name = &neighbour.name;
    let mut cases: Vec<Case> = [
        "CREATE EXTERNAL CATALOG mine PROPERTIES ('type' = 'iceberg', \
         'iceberg.catalog.type' = 'hadoop', 'iceberg.catalog.warehouse' = 's3://akili/')"
            .to_owned(),
        "CREATE DATABASE default_catalog.mine".into(),
        "DROP CATALOG tenant_olap_catalog".into(),
        "CREATE USER mine IDENTIFIED BY 'mine'".into(),
        "CREATE ROLE mine".into(),
        format!("GRANT {name} TO USER {own}"),
        format!("GRANT root TO USER {own}"),
        format!("GRANT USAGE ON CATALOG {OTHER} TO ROLE {own}"),
        format!("GRANT OPERATE ON SYSTEM TO USER {own}"),
        format!("GRANT {own} TO USER {name}"),
        format!("ALTER RESOURCE GROUP {own} WITH ('mem_limit' = '90%')"),
        format!("DROP RESOURCE GROUP {own}"),
        "CREATE RESOURCE GROUP mine TO (user = 'mine') \
         WITH ('cpu_weight' = '1', 'mem_limit' = '1%')"
            .into(),
        "SHOW USERS".into(),
        "SHOW ROLES".into(),
        "SHOW BACKENDS".into(),
        "SELECT * FROM default_catalog.sys.role_edges".into(),
        "SELECT * FROM default_catalog.sys.grants_to_roles".into(),
    ]
    .map(|sql| match sql.as_str() {
        // StarRocks has a separate rule for this role.
        sql if sql.starts_with("GRANT root") => rejected(1064, sql),
        sql => rejected(DENIED, sql),
    })
    .into();
    cases.extend([
        rejected(1064, format!("SET ROLE {name}")),
        rejected(1064, "SET ROLE root"),
        done("SET ROLE NONE"),
        rejected(DENIED, "SELECT * FROM tenant_olap_catalog.sales.orders"),
        done("SET ROLE DEFAULT"),
    ]);
    cases
}

/// A suspended tenant can read and not write.
pub fn reads_its_own() -> Vec<Case> {
    let mut cases = vec![
        done("SET CATALOG tenant_olap_catalog"),
        done("SHOW DATABASES"),
        done("SELECT * FROM sales.orders"),
    ];
    let refusals = [
        "INSERT INTO sales.orders VALUES (3, 'too late')",
        "DELETE FROM sales.orders WHERE id = 1",
        "CREATE TABLE sales.late (id INT)",
        "DROP TABLE sales.orders",
        "CREATE DATABASE late",
        "DROP DATABASE sales",
    ];
    cases.extend(refusals.map(|sql| rejected(DENIED, sql)));
    cases
}

/// A reactivated tenant can write again.
pub fn writes_again() -> Vec<Case> {
    [
        "INSERT INTO sales.orders VALUES (3, 'again')",
        "CREATE DATABASE again",
        "DROP DATABASE again",
    ]
    .map(done)
    .into()
}
