use super::{Answer, Execution};
use crate::{
    error::{SqlError, SqlResult},
    grammar,
    sessions::{Session, Sessions},
    state::{Identity, State},
};

const ICEBERG: &str = "PROPERTIES ('type'='iceberg', 'iceberg.catalog.type'='rest', 'iceberg.catalog.uri'='http://x')";
const LIMITS: &str = "WITH ('cpu_weight'='4', 'mem_limit'='20%')";

struct Cluster {
    state: State,
    sessions: Sessions,
}

impl Cluster {
    fn new() -> Self {
        Self {
            state: State::new("root's"),
            sessions: Sessions::default(),
        }
    }

    /// Returns a cluster with a tenant's catalog, role, user and group.
    fn with_tenant(name: &str) -> Self {
        let mut cluster = Self::new();
        cluster.add_tenant(name);
        cluster
    }

    fn add_tenant(&mut self, name: &str) {
        let mut root = session("root");
        root.roles.insert("root".to_owned());
        for statement in [
            format!("CREATE EXTERNAL CATALOG {name}_catalog COMMENT '{name}' {ICEBERG}"),
            format!("CREATE ROLE {name}"),
            format!("CREATE USER {name} IDENTIFIED BY 'secret'"),
            format!("GRANT {name} TO USER {name}"),
            format!("SET DEFAULT ROLE {name} TO {name}"),
            format!("GRANT USAGE, CREATE DATABASE ON CATALOG {name}_catalog TO ROLE {name}"),
            format!("SET CATALOG {name}_catalog"),
            format!("GRANT CREATE TABLE ON ALL DATABASES TO ROLE {name}"),
            format!("GRANT SELECT, INSERT, DELETE ON ALL TABLES IN ALL DATABASES TO ROLE {name}"),
            format!("CREATE RESOURCE GROUP {name} TO (user='{name}') {LIMITS}"),
            format!("CREATE DATABASE {name}_catalog.d"),
            format!("CREATE TABLE {name}_catalog.d.t (a INT, b STRING)"),
        ] {
            self.run(&mut root, &statement).expect(&statement);
        }
    }

    fn run(&mut self, session: &mut Session, statement: &str) -> SqlResult<Answer> {
        let statement = grammar::parse(statement)?;
        let Self { state, sessions } = self;
        Execution {
            state,
            session,
            sessions,
        }
        .execute(statement)
    }

    /// Runs a statement on a new connection of this user.
    fn as_user(&mut self, user: &str, statement: &str) -> SqlResult<Answer> {
        let account = &self.state.users[&Identity::of(user)];
        let mut session = Session::new(1, Identity::of(user), account.active_at_login());
        self.run(&mut session, statement)
    }

    /// Returns one column of the rows that a user gets.
    fn column(&mut self, user: &str, statement: &str, column: &str) -> Vec<String> {
        let Answer::Rows(rows) = self.as_user(user, statement).expect(statement) else {
            panic!("{statement} returned no rows");
        };
        let at = rows
            .columns
            .iter()
            .position(|it| it == column)
            .expect(column);
        rows.rows
            .iter()
            .map(|row| row[at].clone().unwrap_or_else(|| "NULL".to_owned()))
            .collect()
    }
}

fn session(user: &str) -> Session {
    Session::new(1, Identity::of(user), [].into())
}

fn code(outcome: SqlResult<Answer>) -> u16 {
    outcome.err().map_or(0, |SqlError { code, .. }| code)
}

#[test]
fn invalid_statement_is_rejected_without_change() {
    let no_uri = "PROPERTIES ('type'='iceberg', 'iceberg.catalog.type'='rest')";
    let long = "a".repeat(65);
    let table = [
        (
            format!("CREATE EXTERNAL CATALOG one_catalog {ICEBERG}"),
            5514,
            "a catalog twice",
        ),
        (
            format!("CREATE EXTERNAL CATALOG IF NOT EXISTS one_catalog {ICEBERG}"),
            0,
            "if not exists",
        ),
        (
            format!("CREATE EXTERNAL CATALOG `1x` {ICEBERG}"),
            5063,
            "a digit first",
        ),
        (
            format!("CREATE EXTERNAL CATALOG `a-b` {ICEBERG}"),
            5063,
            "a hyphen",
        ),
        (
            format!("CREATE EXTERNAL CATALOG {long} {ICEBERG}"),
            5063,
            "65 characters",
        ),
        (
            format!("CREATE EXTERNAL CATALOG two {no_uri}"),
            1064,
            "no URI",
        ),
        ("DROP CATALOG none".to_owned(), 5078, "no such catalog"),
        ("DROP CATALOG IF EXISTS none".to_owned(), 0, "if exists"),
        (
            "DROP CATALOG default_catalog".to_owned(),
            1064,
            "the internal catalog",
        ),
        (
            "SET CATALOG none".to_owned(),
            5078,
            "no such catalog to use",
        ),
        ("CREATE ROLE one".to_owned(), 1064, "a role twice"),
        (
            "CREATE ROLE IF NOT EXISTS one".to_owned(),
            0,
            "if not exists",
        ),
        ("CREATE ROLE `a-b`".to_owned(), 1064, "a role with a hyphen"),
        ("DROP ROLE none".to_owned(), 1064, "no such role"),
        ("DROP ROLE user_admin".to_owned(), 1064, "a built-in role"),
        ("CREATE USER one".to_owned(), 1064, "a user twice"),
        (
            "CREATE USER IF NOT EXISTS one".to_owned(),
            0,
            "if not exists",
        ),
        (
            "CREATE USER u DEFAULT ROLE none".to_owned(),
            1064,
            "a default role that isn't there",
        ),
        (
            "CREATE USER u IDENTIFIED BY PASSWORD 'x'".to_owned(),
            1064,
            "no hash",
        ),
        (
            "ALTER USER none IDENTIFIED BY 'x'".to_owned(),
            1064,
            "no such user",
        ),
        ("DROP USER none".to_owned(), 1064, "no such user to drop"),
        ("DROP USER root".to_owned(), 1064, "root"),
        (
            "SET DEFAULT ROLE user_admin TO one".to_owned(),
            1064,
            "a role that wasn't granted",
        ),
        (
            "GRANT none TO USER one".to_owned(),
            1064,
            "no such role to grant",
        ),
        ("GRANT one TO USER none".to_owned(), 1064, "no such grantee"),
        (
            "GRANT USAGE ON CATALOG none TO ROLE one".to_owned(),
            5078,
            "no such catalog to grant",
        ),
        (
            "GRANT SELECT ON CATALOG one_catalog TO ROLE one".to_owned(),
            1064,
            "no privilege of catalogs",
        ),
        (
            "GRANT DROP ON CATALOG default_catalog TO ROLE one".to_owned(),
            1064,
            "no privilege of the internal catalog",
        ),
        (
            "GRANT NODE ON SYSTEM TO ROLE one".to_owned(),
            1064,
            "never granted",
        ),
        (
            "GRANT SELECT ON DATABASE d TO ROLE one".to_owned(),
            5501,
            "a database elsewhere",
        ),
        (
            "GRANT USAGE ON CATALOG one_catalog TO ROLE user_admin".to_owned(),
            1064,
            "built in",
        ),
        (
            format!("CREATE RESOURCE GROUP one TO (user='one') {LIMITS}"),
            1064,
            "a group twice",
        ),
        (
            format!("CREATE RESOURCE GROUP IF NOT EXISTS one TO (user='one') {LIMITS}"),
            0,
            "fine",
        ),
        (
            format!("CREATE RESOURCE GROUP g {LIMITS}"),
            1064,
            "no classifier",
        ),
        (
            format!("CREATE RESOURCE GROUP g TO (db='d') {LIMITS}"),
            1064,
            "an external database",
        ),
        (
            format!("CREATE RESOURCE GROUP g TO (planet='earth') {LIMITS}"),
            1064,
            "no such key",
        ),
        (
            format!("CREATE RESOURCE GROUP g TO (user='a-b') {LIMITS}"),
            1064,
            "an invalid user name",
        ),
        (
            "ALTER RESOURCE GROUP one WITH ('exclusive_cpu_cores'='2')".to_owned(),
            1064,
            "both CPUs",
        ),
        (
            "ALTER RESOURCE GROUP one WITH ('mem_limit'='2')".to_owned(),
            1064,
            "200 percent",
        ),
        (
            "ALTER RESOURCE GROUP one WITH ('type'='normal')".to_owned(),
            1064,
            "another type",
        ),
        (
            "ALTER RESOURCE GROUP none DROP ALL".to_owned(),
            1064,
            "no such group",
        ),
        (
            "ALTER RESOURCE GROUP default_wg DROP ALL".to_owned(),
            1064,
            "a built-in group",
        ),
        (
            "DROP RESOURCE GROUP none".to_owned(),
            1064,
            "no such group to drop",
        ),
        (
            "DROP RESOURCE GROUP default_wg".to_owned(),
            1064,
            "a built-in group to drop",
        ),
        (
            "SHOW RESOURCE GROUP none".to_owned(),
            5079,
            "no such group to show",
        ),
        ("KILL 99".to_owned(), 1094, "no such connection"),
        ("SELECT @@nothing".to_owned(), 1193, "no such variable"),
        ("SELECT a".to_owned(), 1064, "a column without a table"),
        ("SELECT * FROM t".to_owned(), 1046, "no database"),
        (
            "SELECT * FROM one_catalog.d.u".to_owned(),
            5502,
            "no such table",
        ),
        (
            "SELECT c FROM one_catalog.d.t".to_owned(),
            1064,
            "no such column",
        ),
        (
            "INSERT INTO one_catalog.d.t VALUES (1)".to_owned(),
            1064,
            "too few values",
        ),
        (
            "INSERT INTO one_catalog.d.t VALUES ('x', 'y')".to_owned(),
            1064,
            "no number",
        ),
    ];
    for (statement, expected, reason) in table {
        let mut cluster = Cluster::with_tenant("one");
        let before = cluster.state.clone();
        let outcome = cluster.as_user("root", &statement);
        if expected != 0 {
            assert!(
                cluster.state == before,
                "{reason}: {statement} changed something"
            );
        }
        assert_eq!(
            code(outcome.clone()),
            expected,
            "{reason}: {statement}: {outcome:?}"
        );
    }
}

#[test]
fn tenant_statement_requires_its_privilege() {
    let table = [
        ("INSERT INTO one_catalog.d.t VALUES (1, 'x')", 0),
        ("SELECT * FROM one_catalog.d.t", 0),
        ("DELETE FROM one_catalog.d.t WHERE a = 1", 0),
        ("CREATE TABLE one_catalog.d.u (a INT)", 0),
        ("CREATE DATABASE one_catalog.e", 0),
        ("SET CATALOG one_catalog", 0),
        ("SHOW CREATE CATALOG one_catalog", 0),
        ("DROP TABLE one_catalog.d.t", 5203),
        ("SELECT * FROM two_catalog.d.t", 5203),
        ("INSERT INTO two_catalog.d.t VALUES (1, 'x')", 5203),
        ("CREATE TABLE two_catalog.d.u (a INT)", 5203),
        ("CREATE DATABASE two_catalog.e", 5203),
        ("SET CATALOG two_catalog", 5203),
        ("SHOW CREATE CATALOG two_catalog", 5203),
        ("SHOW DATABASES FROM two_catalog", 5203),
        ("USE two_catalog.d", 5203),
        ("DROP CATALOG one_catalog", 5203),
        ("DROP CATALOG two_catalog", 5203),
        ("SHOW USERS", 5203),
        ("SHOW ROLES", 5203),
        ("SHOW BACKENDS", 5203),
        ("SHOW GRANTS", 0),
        ("SHOW GRANTS FOR ROLE one", 0),
        ("SHOW GRANTS FOR ROLE two", 5203),
        ("SHOW GRANTS FOR two", 5203),
        ("CREATE USER three", 5203),
        ("CREATE ROLE three", 5203),
        ("DROP USER two", 5203),
        ("ALTER USER two IDENTIFIED BY 'x'", 5203),
        ("GRANT two TO USER one", 5203),
        ("GRANT USAGE ON CATALOG two_catalog TO ROLE one", 5203),
        ("SET DEFAULT ROLE NONE TO two", 5203),
        ("SET DEFAULT ROLE NONE TO one", 0),
        ("SET ROLE two", 1064),
        ("ALTER RESOURCE GROUP one WITH ('mem_limit'='90%')", 5203),
        ("DROP RESOURCE GROUP two", 5203),
        ("SELECT * FROM sys.role_edges", 5203),
        ("SELECT * FROM sys.grants_to_roles", 5203),
    ];
    for (statement, expected) in table {
        let mut cluster = Cluster::with_tenant("one");
        cluster.add_tenant("two");
        let outcome = cluster.as_user("one", statement);
        assert_eq!(code(outcome.clone()), expected, "{statement}: {outcome:?}");
    }
}

#[test]
fn show_catalogs_lists_usable_catalogs_only() {
    let mut cluster = Cluster::with_tenant("one");
    cluster.add_tenant("two");
    let seen = cluster.column("one", "SHOW CATALOGS", "Catalog");
    assert_eq!(seen, ["default_catalog", "one_catalog"]);
    let comments = cluster.column("root", "SHOW CATALOGS", "Comment");
    assert_eq!(comments[1..], ["one", "two"]);
}

#[test]
fn inactive_role_gives_no_privileges() {
    let mut cluster = Cluster::with_tenant("one");
    let mut tenant = Session::new(1, Identity::of("one"), ["one".to_owned()].into());
    let read = "SELECT * FROM one_catalog.d.t";
    assert_eq!(code(cluster.run(&mut tenant, read)), 0);
    cluster
        .run(&mut tenant, "SET ROLE NONE")
        .expect("needs no privilege");
    let refusal = cluster
        .run(&mut tenant, read)
        .expect_err("no role is active");
    assert!(
        refusal
            .message
            .ends_with("Current role(s): NONE. Inactivated role(s): [one]."),
        "{}",
        refusal.message
    );
    cluster
        .run(&mut tenant, "SET ROLE ALL")
        .expect("needs no privilege");
    assert_eq!(code(cluster.run(&mut tenant, read)), 0);
    cluster
        .as_user("root", "REVOKE one FROM USER one")
        .expect("root has all privileges");
    assert_eq!(code(cluster.run(&mut tenant, read)), 5203);
}

#[test]
fn revoked_write_privileges_leave_reads_allowed() {
    let mut cluster = Cluster::with_tenant("one");
    let mut root = Session::new(1, Identity::root(), ["root".to_owned()].into());
    for statement in [
        "SET CATALOG one_catalog",
        "REVOKE INSERT, DELETE ON ALL TABLES IN ALL DATABASES FROM ROLE one",
    ] {
        cluster.run(&mut root, statement).expect(statement);
    }
    assert_eq!(
        code(cluster.as_user("one", "SELECT * FROM one_catalog.d.t")),
        0
    );
    let write = "INSERT INTO one_catalog.d.t VALUES (1, 'x')";
    assert_eq!(code(cluster.as_user("one", write)), 5203);
}

#[test]
fn drop_catalog_removes_its_grants() {
    let mut cluster = Cluster::with_tenant("one");
    let grants =
        |cluster: &mut Cluster| cluster.column("root", "SHOW GRANTS FOR ROLE one", "Grants");
    assert_eq!(
        grants(&mut cluster),
        [
            "GRANT USAGE, CREATE DATABASE ON CATALOG one_catalog TO ROLE 'one'",
            "GRANT CREATE TABLE ON ALL DATABASES TO ROLE 'one'",
            "GRANT DELETE, INSERT, SELECT ON ALL TABLES IN ALL DATABASES TO ROLE 'one'",
        ]
    );
    cluster
        .as_user("root", "DROP CATALOG one_catalog")
        .expect("root has all privileges");
    assert!(grants(&mut cluster).is_empty());
}

#[test]
fn views_show_role_edges_and_grants_on_existing_objects() {
    let mut cluster = Cluster::with_tenant("one");
    let edges = "SELECT FROM_ROLE, TO_USER FROM sys.role_edges WHERE FROM_ROLE IN ('one', 'root')";
    assert_eq!(
        cluster.column("root", edges, "TO_USER"),
        ["'one'@'%'", "'root'@'%'"]
    );
    let kinds = "SELECT OBJECT_TYPE FROM sys.grants_to_roles WHERE GRANTEE = 'one'";
    assert_eq!(
        cluster.column("root", kinds, "OBJECT_TYPE"),
        ["CATALOG", "DATABASE", "TABLE"]
    );
    cluster
        .as_user("root", "DROP TABLE one_catalog.d.t")
        .expect("root has all privileges");
    assert_eq!(
        cluster.column("root", kinds, "OBJECT_TYPE"),
        ["CATALOG", "DATABASE"]
    );
}

#[test]
fn exclusive_cores_leave_one_core_unreserved() {
    let mut cluster = Cluster::new();
    let mut create = |name: &str, cores: u32| {
        let limits = format!("WITH ('exclusive_cpu_cores'='{cores}', 'mem_limit'='20%')");
        code(cluster.as_user(
            "root",
            &format!("CREATE RESOURCE GROUP {name} TO (user='u1') {limits}"),
        ))
    };
    assert_eq!(create("a", 10), 0);
    assert_eq!(create("b", 6), 1064);
    assert_eq!(create("b", 5), 0);
}

#[test]
fn group_is_shown_once_per_classifier() {
    let mut cluster = Cluster::with_tenant("one");
    let add = "ALTER RESOURCE GROUP one ADD (user='other', query_type IN ('insert'))";
    cluster
        .as_user("root", add)
        .expect("root has all privileges");
    let show = "SHOW VERBOSE RESOURCE GROUPS ALL";
    assert_eq!(
        cluster.column("root", show, "name"),
        ["default_mv_wg", "default_wg", "one", "one"]
    );
    assert_eq!(
        cluster.column("root", show, "mem_limit"),
        ["80.0%", "100.0%", "20.0%", "20.0%"]
    );
    assert_eq!(
        cluster.column("one", "SHOW RESOURCE GROUPS", "name"),
        ["one"]
    );
}

#[test]
fn rows_are_inserted_selected_and_deleted() {
    let mut cluster = Cluster::with_tenant("one");
    let insert = "INSERT INTO one_catalog.d.t (b, a) VALUES ('x', 1), (NULL, 2), ('z', 3)";
    assert_eq!(cluster.as_user("one", insert), Ok(Answer::Done(3)));
    let read = "SELECT a AS first FROM one_catalog.d.t WHERE b IS NOT NULL";
    assert_eq!(cluster.column("one", read, "first"), ["1", "3"]);
    let delete = "DELETE FROM one_catalog.d.t WHERE a IN (1, 2)";
    assert_eq!(cluster.as_user("one", delete), Ok(Answer::Done(2)));
    assert_eq!(
        cluster.column("one", "SELECT COUNT(*) FROM one_catalog.d.t", "count(*)"),
        ["1"]
    );
}

#[test]
fn connection_is_visible_to_its_user_and_operators() {
    let mut cluster = Cluster::with_tenant("one");
    cluster.add_tenant("two");
    let other = Session::new(7, Identity::of("two"), [].into());
    cluster.sessions.add(&other, "192.0.2.1:1".to_owned());
    assert!(cluster.column("one", "SHOW PROCESSLIST", "Id").is_empty());
    assert_eq!(cluster.column("two", "SHOW PROCESSLIST", "Id"), ["7"]);
    assert_eq!(
        cluster.column("root", "SHOW FULL PROCESSLIST", "User"),
        ["two"]
    );
    assert_eq!(code(cluster.as_user("one", "KILL 7")), 5203);
    assert_eq!(code(cluster.as_user("two", "KILL 7")), 0);
    assert_eq!(code(cluster.as_user("root", "KILL QUERY 7")), 0);
}
