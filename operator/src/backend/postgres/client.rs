//! Statements that the operator sends to PostgreSQL. Every statement is a constant:
//! names are quoted only inside the functions of the bootstrap.

use std::collections::BTreeMap;
use std::time::Duration;

use akili_core::postgres::model::{BATCH, Finding, Held, Login, TableRows};
use akili_crds::{Phase, TenantId};
use postgres_protocol::password::scram_sha_256;
use sha2::{Digest, Sha256};
use sqlx::pool::PoolConnection;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions, PgRow, Postgres};
use sqlx::{Connection, Row, query, query_scalar};
use uuid::Uuid;

use super::error::explain;
use crate::backend::call::Caller;
use crate::error::{Error, Reason};
use crate::metrics::Metrics;
use crate::password::Password;

/// Interval at which sessions that block the closing of a gate are terminated.
const END_BLOCKERS_INTERVAL: Duration = Duration::from_millis(200);

/// A statement with its bound arguments.
pub type Statement<'a> = sqlx::query::Query<'a, Postgres, PgArguments>;

/// Connection pool of the operator.
#[derive(Clone)]
pub struct Client {
    pool: PgPool,
    caller: Caller,
}

impl Client {
    /// Creates a client that connects on first use, so that the operator starts while
    /// PostgreSQL is down. The pool serves `concurrency` tenants at the same time with two
    /// connections each, since a suspension uses two at once.
    pub fn new(options: PgConnectOptions, concurrency: u16, metrics: Metrics) -> Self {
        let options = options
            .application_name("akili-operator")
            // sqlx keeps its table of migrations in this schema.
            .options([("search_path", "akili")]);
        let pool = PgPoolOptions::new()
            .max_connections(2 * u32::from(concurrency.max(1)))
            .connect_lazy_with(options);
        Self {
            pool,
            caller: Caller::new("postgres", "PostgreSQL", metrics),
        }
    }

    /// Acquires a connection from the pool. Errors name `operation`.
    pub async fn connection(&self, operation: &str) -> Result<PoolConnection<Postgres>, Error> {
        self.caller.call(operation, self.acquire(operation)).await
    }

    async fn acquire(&self, operation: &str) -> Result<PoolConnection<Postgres>, Error> {
        let acquired = self.pool.acquire().await;
        acquired.map_err(|error| explain(operation, &error))
    }

    /// Runs a statement and returns the number of rows that it changed.
    pub async fn execute(&self, operation: &str, statement: Statement<'_>) -> Result<u64, Error> {
        let call = async {
            let result = statement
                .execute(&mut *self.acquire(operation).await?)
                .await;
            let result = result.map_err(|error| explain(operation, &error))?;
            Ok(result.rows_affected())
        };
        self.caller.call(operation, call).await
    }

    /// Runs a query and returns its rows.
    pub async fn fetch(&self, operation: &str, query: Statement<'_>) -> Result<Vec<PgRow>, Error> {
        let call = async {
            let rows = query.fetch_all(&mut *self.acquire(operation).await?).await;
            rows.map_err(|error| explain(operation, &error))
        };
        self.caller.call(operation, call).await
    }

    /// Returns those of the given tenants that the registry has a row for. One query.
    pub async fn tenants(&self, ids: &[TenantId]) -> Result<BTreeMap<TenantId, Held>, Error> {
        let ids: Vec<Uuid> = ids.iter().map(TenantId::uuid).collect();
        let tenants = query(
            "SELECT t.id::text, t.state, g.closed, \
                    l.may_login, l.sound, l.verifier_sha256, l.sessions \
             FROM akili.tenants t \
                 JOIN akili.write_gates g ON g.tenant_id = t.id \
                 LEFT JOIN akili_guard.tenant_logins($1) l ON l.tenant = t.id \
             WHERE t.id = ANY ($1)",
        )
        .bind(ids);
        let rows = self.fetch("reading tenants", tenants).await?;
        rows.iter().map(parse_held).collect()
    }

    /// Creates or repairs a tenant's login role. Without a password the role keeps its own.
    /// Returns the SHA-256, in hex, of the verifier that PostgreSQL now stores for the given
    /// password.
    pub async fn ensure_login(
        &self,
        tenant: TenantId,
        password: Option<&Password>,
        may_login: bool,
    ) -> Result<Option<String>, Error> {
        // In clear the password would appear in the server's log.
        let verifier = password.map(|password| scram_sha_256(password.expose().as_bytes()));
        let ensure = query("SELECT akili_guard.ensure_tenant_login($1, $2, $3)")
            .bind(tenant.uuid())
            .bind(&verifier)
            .bind(may_login);
        self.execute("creating or repairing a tenant's login role", ensure)
            .await?;
        Ok(verifier.map(|verifier| sha256(&verifier)))
    }

    /// Allows a tenant to write: sets the state to ACTIVE and opens the gate in one statement.
    pub async fn activate(&self, tenant: TenantId) -> Result<(), Error> {
        let activate = query(
            "WITH gate AS ( \
                 UPDATE akili.write_gates SET closed = false WHERE tenant_id = $1 \
             ) \
             UPDATE akili.tenants SET state = 'ACTIVE', suspended_at = NULL WHERE id = $1",
        )
        .bind(tenant.uuid());
        expect_one_row(tenant, self.execute("activating a tenant", activate).await?)
    }

    /// Sets the state to SUSPENDED, which rejects new writes.
    pub async fn suspend(&self, tenant: TenantId) -> Result<(), Error> {
        let suspend = query(
            "UPDATE akili.tenants \
             SET state = 'SUSPENDED', suspended_at = coalesce(suspended_at, now()) \
             WHERE id = $1",
        )
        .bind(tenant.uuid());
        expect_one_row(tenant, self.execute("suspending a tenant", suspend).await?)
    }

    /// Terminates the sessions of a tenant's login role.
    pub async fn end_sessions(&self, tenant: TenantId) -> Result<(), Error> {
        let end = query("SELECT akili_guard.end_tenant_sessions($1)").bind(tenant.uuid());
        self.execute("terminating a tenant's sessions", end).await?;
        Ok(())
    }

    /// Closes a tenant's gate: waits for open writes to its rows, and terminates the
    /// sessions that don't finish. Those are pooled sessions of services; the tenant's own
    /// were terminated before.
    pub async fn close_gate(&self, tenant: TenantId) -> Result<(), Error> {
        let operation = "closing a tenant's gate";
        let rows = self
            .caller
            .call(operation, self.try_close_gate(operation, tenant));
        expect_one_row(tenant, rows.await?)
    }

    async fn try_close_gate(&self, operation: &str, tenant: TenantId) -> Result<u64, Error> {
        let failed = |error| explain(operation, &error);
        let mut connection = self.acquire(operation).await?;
        let mut transaction = connection.begin().await.map_err(failed)?;
        query("SET LOCAL lock_timeout = '2s'")
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        let blocked_pid: i32 = query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&mut *transaction)
            .await
            .map_err(failed)?;

        let close = query("UPDATE akili.write_gates SET closed = true WHERE tenant_id = $1")
            .bind(tenant.uuid())
            .execute(&mut *transaction);
        let closed = tokio::select! {
            closed = close => closed.map_err(failed)?,
            Err(error) = self.end_sessions_blocking(blocked_pid) => return Err(failed(error)),
        };
        transaction.commit().await.map_err(failed)?;
        Ok(closed.rows_affected())
    }

    /// Terminates the sessions that block the backend process `blocked_pid` of the operator,
    /// again and again until cancelled.
    async fn end_sessions_blocking(&self, blocked_pid: i32) -> Result<(), sqlx::Error> {
        loop {
            tokio::time::sleep(END_BLOCKERS_INTERVAL).await;
            let end = query("SELECT akili_guard.end_sessions_blocking($1)").bind(blocked_pid);
            end.execute(&self.pool).await?;
        }
    }

    /// Returns the tables in which a tenant has rows; each is counted no further than one row
    /// more than a batch. One query.
    pub async fn tenant_rows(&self, tenant: TenantId) -> Result<Vec<TableRows>, Error> {
        let operation = "counting a tenant's rows";
        let rows = query(
            "SELECT relation, name, counted, referred_by FROM akili_guard.tenant_rows($1, $2)",
        )
        .bind(tenant.uuid())
        .bind(BATCH + 1);
        let rows = self.fetch_slow(operation, rows).await?;
        rows.iter()
            .map(|row| {
                let referred_by: Vec<Oid> = row.try_get("referred_by")?;
                Ok(TableRows {
                    table: row.try_get::<Oid, _>("relation")?.0,
                    name: row.try_get("name")?,
                    count: row.try_get("counted")?,
                    referred_by: referred_by.into_iter().map(|oid| oid.0).collect(),
                })
            })
            .collect::<Result<_, sqlx::Error>>()
            .map_err(|error| explain(operation, &error))
    }

    /// Deletes at most a batch of a tenant's rows from one table.
    pub async fn delete_rows(&self, tenant: TenantId, rows: &TableRows) -> Result<(), Error> {
        let delete = query("SELECT akili_guard.delete_tenant_rows($1, $2, $3)")
            .bind(tenant.uuid())
            .bind(Oid(rows.table))
            .bind(BATCH);
        let operation = format!("deleting a tenant's rows of {}", rows.name);
        self.fetch_slow(&operation, delete).await.map(drop)
    }

    /// Deletes all of a tenant's rows from these tables by one statement.
    pub async fn delete_rows_together(
        &self,
        tenant: TenantId,
        tables: &[TableRows],
    ) -> Result<(), Error> {
        let targets: Vec<Oid> = tables.iter().map(|rows| Oid(rows.table)).collect();
        let delete = query("SELECT akili_guard.delete_tenant_rows_together($1, $2)")
            .bind(tenant.uuid())
            .bind(targets);
        let deleted = self.fetch_slow("deleting a tenant's rows", delete);
        deleted.await.map(drop)
    }

    /// Runs a query that reads whole tables where no index serves it, for at most ten
    /// minutes. The breaker sees only the acquisition of the connection, so that a slow query
    /// doesn't stop other calls.
    async fn fetch_slow(
        &self,
        operation: &str,
        statement: Statement<'_>,
    ) -> Result<Vec<PgRow>, Error> {
        let failed = |error| explain(operation, &error);
        let mut connection = self.connection(operation).await?;
        let mut transaction = connection.begin().await.map_err(failed)?;
        query("SET LOCAL statement_timeout = '10min'")
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        let rows = statement.fetch_all(&mut *transaction).await;
        let rows = rows.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(rows)
    }

    /// Drops a tenant's login role.
    pub async fn drop_login(&self, tenant: TenantId) -> Result<(), Error> {
        let drop = query("SELECT akili_guard.drop_tenant_login($1)").bind(tenant.uuid());
        self.execute("dropping a tenant's login role", drop).await?;
        Ok(())
    }

    /// Returns the state of every tenant-scoped table in these schemas, and what else breaks
    /// isolation there. One query for any number of tables.
    pub async fn coverage(&self, schemas: &[String]) -> Result<Vec<Finding>, Error> {
        let operation = "checking the protection of tables";
        let coverage =
            query("SELECT id, relation, kind, gaps FROM akili_guard.coverage($1)").bind(schemas);
        let rows = self.fetch(operation, coverage).await?;
        rows.iter()
            .map(|row| {
                Ok(Finding {
                    id: row.try_get::<Option<Oid>, _>("id")?.map(|oid| oid.0),
                    name: row.try_get("relation")?,
                    kind: row.try_get("kind")?,
                    gaps: row.try_get("gaps")?,
                })
            })
            .collect::<Result<_, sqlx::Error>>()
            .map_err(|error| explain(operation, &error))
    }

    /// Protects a tenant-scoped table, or repairs its protection.
    pub async fn protect_table(&self, table: u32, name: &str) -> Result<(), Error> {
        let protect = query("SELECT akili_guard.protect_table($1::regclass)").bind(Oid(table));
        self.execute(&format!("protecting {name}"), protect).await?;
        Ok(())
    }
}

fn parse_held(row: &PgRow) -> Result<(TenantId, Held), Error> {
    let unexpected = |error: sqlx::Error| explain("reading tenants", &error);
    let id: String = row.try_get("id").map_err(unexpected)?;
    let state: String = row.try_get("state").map_err(unexpected)?;
    let may_login: Option<bool> = row.try_get("may_login").map_err(unexpected)?;
    let login = match may_login {
        None => None,
        Some(may_login) => Some(Login {
            may_login,
            matches_spec: row.try_get("sound").map_err(unexpected)?,
            verifier_sha256: row.try_get("verifier_sha256").map_err(unexpected)?,
            // Sessions of a role with LOGIN come and go; counting them would look like drift.
            sessions: if may_login {
                0
            } else {
                row.try_get("sessions").map_err(unexpected)?
            },
        }),
    };
    let held = Held {
        state: parse_phase(&state)?,
        gate_closed: row.try_get("closed").map_err(unexpected)?,
        login,
    };
    let id = id
        .parse()
        .map_err(|error| Error::new(Reason::RegistryUnreadable, error))?;
    Ok((id, held))
}

/// Parses a state as the registry stores it.
pub fn parse_phase(word: &str) -> Result<Phase, Error> {
    Phase::ALL
        .into_iter()
        .find(|phase| phase.as_str() == word)
        .ok_or_else(|| {
            Error::new(
                Reason::RegistryUnreadable,
                format!("PostgreSQL: the registry holds the unknown state {word}"),
            )
        })
}

fn expect_one_row(tenant: TenantId, rows: u64) -> Result<(), Error> {
    if rows == 1 {
        return Ok(());
    }
    Err(Error::new(
        Reason::NotInRegistry,
        format!("PostgreSQL: akili.tenants has no row for tenant {tenant}; the operator adds it"),
    ))
}

fn sha256(text: &str) -> String {
    format!("{:x}", Sha256::digest(text.as_bytes()))
}
