//! The statements that the operator sends to PostgreSQL. All of them are fixed:
//! what needs a name quoted happens in the functions of the bootstrap.

use std::collections::BTreeMap;
use std::time::Duration;

use akili_crds::{Phase, TenantId};
use postgres_protocol::password::scram_sha_256;
use sha2::{Digest, Sha256};
use sqlx::pool::PoolConnection;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions, PgRow, Postgres};
use sqlx::{Connection, Row, query, query_scalar};
use uuid::Uuid;

use super::coverage::Finding;
use super::diff::{BATCH, Login, Rows};
use super::error::explain;
use crate::backend::access::Access;
use crate::error::{Class, Error};
use crate::metrics::Metrics;
use crate::password::Password;

/// How often those who keep a gate from closing are looked for.
const BLOCKERS_EVERY: Duration = Duration::from_millis(200);

/// A statement with its arguments.
pub type Statement<'a> = sqlx::query::Query<'a, Postgres, PgArguments>;

/// A pool of the operator's connections.
#[derive(Clone)]
pub struct Client {
    pool: PgPool,
    access: Access,
}

/// A tenant as PostgreSQL has it: its row and its login.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Held {
    /// The state of its row.
    pub state: Phase,
    /// Whether its gate is closed.
    pub gate_closed: bool,
    /// Its login, if there is one.
    pub login: Option<Login>,
}

impl Client {
    /// A client that connects when it is first used, so that the operator starts
    /// while PostgreSQL is down. Room for as many tenants at a time as `concurrency`
    /// says: a suspension takes two connections at once.
    pub fn new(options: PgConnectOptions, concurrency: u16, metrics: Metrics) -> Self {
        let options = options
            .application_name("akili-operator")
            // Where sqlx keeps its table of migrations.
            .options([("search_path", "akili")]);
        let pool = PgPoolOptions::new()
            .max_connections(2 * u32::from(concurrency.max(1)))
            .connect_lazy_with(options);
        Self {
            pool,
            access: Access::new("postgres", "PostgreSQL", metrics),
        }
    }

    /// A connection, for what `doing` says.
    pub async fn connection(&self, doing: &str) -> Result<PoolConnection<Postgres>, Error> {
        self.access.call(doing, self.acquire(doing)).await
    }

    async fn acquire(&self, doing: &str) -> Result<PoolConnection<Postgres>, Error> {
        let acquired = self.pool.acquire().await;
        acquired.map_err(|error| explain(doing, &error))
    }

    /// Runs a statement; the number of rows that it changed.
    pub async fn execute(&self, doing: &str, statement: Statement<'_>) -> Result<u64, Error> {
        let call = async {
            let done = statement.execute(&mut *self.acquire(doing).await?).await;
            let done = done.map_err(|error| explain(doing, &error))?;
            Ok(done.rows_affected())
        };
        self.access.call(doing, call).await
    }

    /// Runs a query; its rows.
    pub async fn fetch(&self, doing: &str, query: Statement<'_>) -> Result<Vec<PgRow>, Error> {
        let call = async {
            let rows = query.fetch_all(&mut *self.acquire(doing).await?).await;
            rows.map_err(|error| explain(doing, &error))
        };
        self.access.call(doing, call).await
    }

    /// Those of these tenants that the registry knows. One query.
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
        rows.iter().map(held).collect()
    }

    /// Makes a tenant's login what it should be; without a password it keeps its own.
    /// Returns what PostgreSQL now stores of the password that was given, as a hash.
    pub async fn ensure_login(
        &self,
        tenant: TenantId,
        password: Option<&Password>,
        may_login: bool,
    ) -> Result<Option<String>, Error> {
        // In clear it would show in the server's log.
        let verifier = password.map(|password| scram_sha_256(password.expose().as_bytes()));
        let ensure = query("SELECT akili_guard.ensure_tenant_login($1, $2, $3)")
            .bind(tenant.uuid())
            .bind(&verifier)
            .bind(may_login);
        self.execute("making a tenant's login", ensure).await?;
        Ok(verifier.map(|verifier| sha256(&verifier)))
    }

    /// Lets a tenant write: its state and its gate change together.
    pub async fn activate(&self, tenant: TenantId) -> Result<(), Error> {
        let activate = query(
            "WITH gate AS ( \
                 UPDATE akili.write_gates SET closed = false WHERE tenant_id = $1 \
             ) \
             UPDATE akili.tenants SET state = 'ACTIVE', suspended_at = NULL WHERE id = $1",
        )
        .bind(tenant.uuid());
        one_row(tenant, self.execute("activating a tenant", activate).await?)
    }

    /// Turns away whoever begins to write for a tenant.
    pub async fn suspend(&self, tenant: TenantId) -> Result<(), Error> {
        let suspend = query(
            "UPDATE akili.tenants \
             SET state = 'SUSPENDED', suspended_at = coalesce(suspended_at, now()) \
             WHERE id = $1",
        )
        .bind(tenant.uuid());
        one_row(tenant, self.execute("suspending a tenant", suspend).await?)
    }

    /// Ends the sessions of a tenant's login.
    pub async fn end_sessions(&self, tenant: TenantId) -> Result<(), Error> {
        let end = query("SELECT akili_guard.end_tenant_sessions($1)").bind(tenant.uuid());
        self.execute("ending a tenant's sessions", end).await?;
        Ok(())
    }

    /// Closes a tenant's gate: waits for those who are writing its rows, and ends
    /// the sessions of those who don't finish. They are services' pooled sessions;
    /// the tenant's own were ended before.
    pub async fn close_gate(&self, tenant: TenantId) -> Result<(), Error> {
        let doing = "closing a tenant's gate";
        let rows = self.access.call(doing, self.closing_gate(doing, tenant));
        one_row(tenant, rows.await?)
    }

    async fn closing_gate(&self, doing: &str, tenant: TenantId) -> Result<u64, Error> {
        let failed = |error| explain(doing, &error);
        let mut connection = self.acquire(doing).await?;
        let mut closing = connection.begin().await.map_err(failed)?;
        query("SET LOCAL lock_timeout = '2s'")
            .execute(&mut *closing)
            .await
            .map_err(failed)?;
        let waiting: i32 = query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&mut *closing)
            .await
            .map_err(failed)?;

        let close = query("UPDATE akili.write_gates SET closed = true WHERE tenant_id = $1")
            .bind(tenant.uuid())
            .execute(&mut *closing);
        let done = tokio::select! {
            done = close => done.map_err(failed)?,
            Err(error) = self.end_sessions_blocking(waiting) => return Err(failed(error)),
        };
        closing.commit().await.map_err(failed)?;
        Ok(done.rows_affected())
    }

    /// Ends, until it is cancelled, the sessions that keep another of ours waiting.
    async fn end_sessions_blocking(&self, waiting: i32) -> Result<(), sqlx::Error> {
        loop {
            tokio::time::sleep(BLOCKERS_EVERY).await;
            let end = query("SELECT akili_guard.end_sessions_blocking($1)").bind(waiting);
            end.execute(&self.pool).await?;
        }
    }

    /// The tables in which a tenant has rows, none of which is counted further than a
    /// batch goes. One query.
    pub async fn rows_of(&self, tenant: TenantId) -> Result<Vec<Rows>, Error> {
        let doing = "counting a tenant's rows";
        let rows = query(
            "SELECT relation, name, counted, referred_by FROM akili_guard.tenant_rows($1, $2)",
        )
        .bind(tenant.uuid())
        .bind(BATCH + 1);
        let rows = self.fetch_patiently(doing, rows).await?;
        rows.iter()
            .map(|row| {
                let referred_by: Vec<Oid> = row.try_get("referred_by")?;
                Ok(Rows {
                    table: row.try_get::<Oid, _>("relation")?.0,
                    name: row.try_get("name")?,
                    found: row.try_get("counted")?,
                    referred_by: referred_by.into_iter().map(|oid| oid.0).collect(),
                })
            })
            .collect::<Result<_, sqlx::Error>>()
            .map_err(|error| explain(doing, &error))
    }

    /// Deletes a tenant's rows of this table, a batch of them at most.
    pub async fn delete_rows(&self, tenant: TenantId, rows: &Rows) -> Result<(), Error> {
        let delete = query("SELECT akili_guard.delete_tenant_rows($1, $2, $3)")
            .bind(tenant.uuid())
            .bind(Oid(rows.table))
            .bind(BATCH);
        let doing = format!("deleting a tenant's rows of {}", rows.name);
        self.fetch_patiently(&doing, delete).await.map(drop)
    }

    /// Deletes all of a tenant's rows of these tables.
    pub async fn delete_rows_together(
        &self,
        tenant: TenantId,
        tables: &[Rows],
    ) -> Result<(), Error> {
        let targets: Vec<Oid> = tables.iter().map(|rows| Oid(rows.table)).collect();
        let delete = query("SELECT akili_guard.delete_tenant_rows_together($1, $2)")
            .bind(tenant.uuid())
            .bind(targets);
        let deleted = self.fetch_patiently("deleting a tenant's rows", delete);
        deleted.await.map(drop)
    }

    /// Runs a query that reads whole tables where no index serves it. That it takes its
    /// time keeps nobody else from asking.
    async fn fetch_patiently(
        &self,
        doing: &str,
        statement: Statement<'_>,
    ) -> Result<Vec<PgRow>, Error> {
        let failed = |error| explain(doing, &error);
        let mut connection = self.connection(doing).await?;
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

    /// Drops a tenant's login.
    pub async fn drop_login(&self, tenant: TenantId) -> Result<(), Error> {
        let drop = query("SELECT akili_guard.drop_tenant_login($1)").bind(tenant.uuid());
        self.execute("dropping a tenant's login", drop).await?;
        Ok(())
    }

    /// What is missing in these schemas. One query, however many tables there are.
    pub async fn coverage(&self, schemas: &[String]) -> Result<Vec<Finding>, Error> {
        let doing = "looking for unprotected tables";
        let coverage =
            query("SELECT id, relation, kind, gaps FROM akili_guard.coverage($1)").bind(schemas);
        let rows = self.fetch(doing, coverage).await?;
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
            .map_err(|error| explain(doing, &error))
    }

    /// Protects a tenant-scoped table, or repairs its protection.
    pub async fn protect_table(&self, table: u32, name: &str) -> Result<(), Error> {
        let protect = query("SELECT akili_guard.protect_table($1::regclass)").bind(Oid(table));
        self.execute(&format!("protecting {name}"), protect).await?;
        Ok(())
    }
}

fn held(row: &PgRow) -> Result<(TenantId, Held), Error> {
    let unexpected = |error: sqlx::Error| explain("reading tenants", &error);
    let id: String = row.try_get("id").map_err(unexpected)?;
    let state: String = row.try_get("state").map_err(unexpected)?;
    let may_login: Option<bool> = row.try_get("may_login").map_err(unexpected)?;
    let login = match may_login {
        None => None,
        Some(may_login) => Some(Login {
            may_login,
            sound: row.try_get("sound").map_err(unexpected)?,
            verifier_sha256: row.try_get("verifier_sha256").map_err(unexpected)?,
            // Those of a tenant that may have them come and go.
            sessions: if may_login {
                0
            } else {
                row.try_get("sessions").map_err(unexpected)?
            },
        }),
    };
    let held = Held {
        state: phase(&state)?,
        gate_closed: row.try_get("closed").map_err(unexpected)?,
        login,
    };
    let id = id
        .parse()
        .map_err(|error| Error::new(Class::Invalid, "RegistryUnreadable", error))?;
    Ok((id, held))
}

/// A state as the registry writes it.
pub fn phase(word: &str) -> Result<Phase, Error> {
    Phase::ALL
        .into_iter()
        .find(|phase| phase.as_str() == word)
        .ok_or_else(|| {
            Error::new(
                Class::Invalid,
                "RegistryUnreadable",
                format!("PostgreSQL: the registry has the unknown state {word}"),
            )
        })
}

fn one_row(tenant: TenantId, rows: u64) -> Result<(), Error> {
    if rows == 1 {
        return Ok(());
    }
    Err(Error::new(
        Class::Transient,
        "NotInRegistry",
        format!("PostgreSQL: akili.tenants has no row for tenant {tenant}; the registry adds it"),
    ))
}

fn sha256(text: &str) -> String {
    format!("{:x}", Sha256::digest(text.as_bytes()))
}
