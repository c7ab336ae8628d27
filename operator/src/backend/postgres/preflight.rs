//! Whether the database is fit for the operator: for `check`.

use async_trait::async_trait;
use sqlx::query_as;

use super::bootstrap;
use super::client::Client;
use super::error::explain;
use crate::backend::preflight::{Check, Preflight};
use crate::error::Error;

/// The oldest server that will do, as `server_version_num` has it.
const OLDEST: i32 = 150_000;

/// What the server says about itself and about our login.
#[derive(sqlx::FromRow)]
struct Facts {
    server_version: i32,
    bootstrap_is_there: bool,
    /// Attributes and memberships that the login must not have.
    excess: Vec<String>,
    /// Other databases that tenants' logins may connect to.
    open_databases: Vec<String>,
    temporary_tables: bool,
}

#[async_trait]
impl Preflight for Client {
    fn connection(&self) -> &'static str {
        "PostgreSQL connection"
    }

    async fn preflight(&self) -> Result<Vec<Check>, Error> {
        let doing = "looking at the server";
        let failed = |error| explain(doing, &error);
        let mut connection = self.connection(doing).await?;
        let facts: Facts = query_as(
            "SELECT current_setting('server_version_num')::integer AS server_version, \
                 to_regprocedure('akili_guard.version()') IS NOT NULL AS bootstrap_is_there, \
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

        let bootstrap = if facts.bootstrap_is_there {
            let version: (i32,) = query_as("SELECT akili_guard.version()")
                .fetch_one(&mut *connection)
                .await
                .map_err(failed)?;
            Some(version.0)
        } else {
            None
        };
        Ok(judge(facts, bootstrap))
    }
}

fn judge(facts: Facts, bootstrap: Option<i32>) -> Vec<Check> {
    vec![
        Check::must(
            "PostgreSQL version",
            (facts.server_version < OLDEST).then(|| {
                format!("{} is too old; 15 or later is needed", facts.server_version / 10_000)
            }),
        ),
        Check::must(
            "PostgreSQL bootstrap",
            match bootstrap {
                None => Some("isn't there; run the output of `akili-operator bootstrap-sql` as a superuser".into()),
                Some(version) if version < bootstrap::VERSION => Some(format!(
                    "is version {version}, {} is needed; run the output of `akili-operator bootstrap-sql` again",
                    bootstrap::VERSION
                )),
                Some(_) => None,
            },
        ),
        Check::must(
            "PostgreSQL privileges",
            (!facts.excess.is_empty()).then(|| {
                format!(
                    "the operator's login has more than it may: {}; take it away",
                    facts.excess.join(", ")
                )
            }),
        ),
        Check::should(
            "PostgreSQL databases",
            (!facts.open_databases.is_empty()).then(|| {
                format!(
                    "tenants may connect to {} as well; REVOKE CONNECT ON DATABASE … FROM PUBLIC",
                    facts.open_databases.join(", ")
                )
            }),
        ),
        Check::should(
            "PostgreSQL temporary tables",
            facts.temporary_tables.then(|| {
                "tenants may fill the disk with them; REVOKE TEMPORARY ON DATABASE … FROM PUBLIC".into()
            }),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit() -> Facts {
        Facts {
            server_version: 150_020,
            bootstrap_is_there: true,
            excess: vec![],
            open_databases: vec![],
            temporary_tables: false,
        }
    }

    fn problems(facts: Facts, bootstrap: Option<i32>) -> Vec<String> {
        let checks = judge(facts, bootstrap).into_iter();
        checks.filter_map(|check| check.problem).collect()
    }

    #[test]
    fn a_fit_database_has_no_problem() {
        assert_eq!(problems(fit(), Some(bootstrap::VERSION)), [""; 0]);
    }

    #[test]
    fn each_problem_says_what_to_do() {
        let current = Some(bootstrap::VERSION);
        for (facts, bootstrap, hint) in [
            (
                Facts {
                    server_version: 140_011,
                    ..fit()
                },
                current,
                "14 is too old",
            ),
            (fit(), None, "bootstrap-sql"),
            (fit(), Some(bootstrap::VERSION - 1), "bootstrap-sql` again"),
            (
                Facts {
                    excess: vec!["CREATEROLE".into()],
                    ..fit()
                },
                current,
                "CREATEROLE; take it away",
            ),
            (
                Facts {
                    open_databases: vec!["postgres".into()],
                    ..fit()
                },
                current,
                "connect to postgres",
            ),
            (
                Facts {
                    temporary_tables: true,
                    ..fit()
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
