//! Checks of the PostgreSQL server, for `akili-operator check`.

use async_trait::async_trait;
use sqlx::query_as;

use super::bootstrap;
use super::client::Client;
use super::error::explain;
use crate::backend::preflight::{Check, Preflight};
use crate::error::Error;

/// Oldest supported server, as `server_version_num`.
const MIN_VERSION: i32 = 150_000;

/// State of the server and of the operator's login.
#[derive(sqlx::FromRow)]
struct Facts {
    server_version: i32,
    bootstrap_installed: bool,
    /// Attributes and memberships that the operator's login has and must not have.
    excess: Vec<String>,
    /// Other databases that tenants may connect to.
    open_databases: Vec<String>,
    temporary_tables: bool,
}

#[async_trait]
impl Preflight for Client {
    fn connection(&self) -> &'static str {
        "PostgreSQL connection"
    }

    async fn preflight(&self) -> Result<Vec<Check>, Error> {
        let operation = "checking the server";
        let failed = |error| explain(operation, &error);
        let mut connection = self.connection(operation).await?;
        let facts: Facts = query_as(
            "SELECT current_setting('server_version_num')::integer AS server_version, \
                 to_regprocedure('akili_guard.version()') IS NOT NULL AS bootstrap_installed, \
                 array_remove(ARRAY[ \
                     CASE WHEN r.rolsuper THEN 'SUPERUSER' END, \
                     CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END, \
                     CASE WHEN r.rolcreatedb THEN 'CREATEDB' END, \
                     CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END, \
                     CASE WHEN r.rolreplication THEN 'REPLICATION' END \
                 ], NULL) || ARRAY( \
                     SELECT 'membership in ' || m.roleid::regrole FROM pg_auth_members m \
                     WHERE m.member = r.oid ORDER BY 1 \
                 ) AS excess, \
                 ARRAY( \
                     SELECT d.datname::text FROM pg_database d, pg_roles tenant \
                     WHERE tenant.rolname = 'akili_tenant' AND d.datallowconn \
                         AND d.datname <> current_database() \
                         AND has_database_privilege(tenant.oid, d.oid, 'CONNECT') \
                     ORDER BY 1 \
                 ) AS open_databases, \
                 coalesce((SELECT has_database_privilege(oid, current_database(), 'TEMP') \
                           FROM pg_roles WHERE rolname = 'akili_tenant'), false) \
                     AS temporary_tables \
             FROM pg_roles r WHERE r.rolname = session_user",
        )
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;

        let bootstrap = if facts.bootstrap_installed {
            let version: (i32,) = query_as("SELECT akili_guard.version()")
                .fetch_one(&mut *connection)
                .await
                .map_err(failed)?;
            Some(version.0)
        } else {
            None
        };
        Ok(checks(facts, bootstrap))
    }
}

fn checks(facts: Facts, bootstrap: Option<i32>) -> Vec<Check> {
    vec![
        Check::must(
            "PostgreSQL version",
            (facts.server_version < MIN_VERSION).then(|| {
                format!("version {} is too old; upgrade to 15 or later", facts.server_version / 10_000)
            }),
        ),
        Check::must(
            "PostgreSQL bootstrap",
            match bootstrap {
                None => Some("not installed; run the output of `akili-operator bootstrap-sql` as a superuser".into()),
                Some(version) if version < bootstrap::VERSION => Some(format!(
                    "version {version} is outdated, {} is required; run the output of `akili-operator bootstrap-sql` again",
                    bootstrap::VERSION
                )),
                Some(_) => None,
            },
        ),
        Check::must(
            "PostgreSQL privileges",
            (!facts.excess.is_empty()).then(|| {
                format!(
                    "the operator's login has excess privileges: {}; revoke them",
                    facts.excess.join(", ")
                )
            }),
        ),
        Check::should(
            "PostgreSQL databases",
            (!facts.open_databases.is_empty()).then(|| {
                format!(
                    "tenants can also connect to {}; REVOKE CONNECT ON DATABASE … FROM PUBLIC",
                    facts.open_databases.join(", ")
                )
            }),
        ),
        Check::should(
            "PostgreSQL temporary tables",
            facts.temporary_tables.then(|| {
                "tenants can fill the disk with temporary tables; REVOKE TEMPORARY ON DATABASE … FROM PUBLIC".into()
            }),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready() -> Facts {
        Facts {
            server_version: 150_020,
            bootstrap_installed: true,
            excess: vec![],
            open_databases: vec![],
            temporary_tables: false,
        }
    }

    fn problems(facts: Facts, bootstrap: Option<i32>) -> Vec<String> {
        let checks = checks(facts, bootstrap).into_iter();
        checks.filter_map(|check| check.problem).collect()
    }

    #[test]
    fn suitable_server_has_no_problem() {
        assert_eq!(problems(ready(), Some(bootstrap::VERSION)), [""; 0]);
    }

    #[test]
    fn each_problem_names_its_remedy() {
        let current = Some(bootstrap::VERSION);
        for (facts, bootstrap, hint) in [
            (
                Facts {
                    server_version: 140_011,
                    ..ready()
                },
                current,
                "14 is too old",
            ),
            (ready(), None, "bootstrap-sql"),
            (
                ready(),
                Some(bootstrap::VERSION - 1),
                "bootstrap-sql` again",
            ),
            (
                Facts {
                    excess: vec!["CREATEROLE".into()],
                    ..ready()
                },
                current,
                "CREATEROLE; revoke them",
            ),
            (
                Facts {
                    open_databases: vec!["postgres".into()],
                    ..ready()
                },
                current,
                "connect to postgres",
            ),
            (
                Facts {
                    temporary_tables: true,
                    ..ready()
                },
                current,
                "REVOKE TEMPORARY",
            ),
        ] {
            let problems = problems(facts, bootstrap);
            assert!(
                problems.len() == 1 && problems[0].contains(hint),
                "{problems:?}"
            );
        }
    }
}
