//! Transactions in PostgreSQL: the tenant's own, and those of a service for the tenant.

use akili_scenarios::platform::{Login, Platform};
use anyhow::{Result, bail, ensure};
use async_trait::async_trait;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use super::session::{Closing, Plane, Session};

const SERVICE: &str = "notes_service";
const PASSWORD: &str = "testbed";

/// Creates a table that all tenants share, and the login of a service that works for all
/// tenants.
pub fn create_table(platform: &Platform) -> Result<()> {
    let make = format!(
        "DROP TABLE IF EXISTS notes;
         DROP ROLE IF EXISTS {SERVICE};
         CREATE TABLE notes (tenant_id uuid NOT NULL, note text);
         CREATE ROLE {SERVICE} LOGIN PASSWORD '{PASSWORD}' IN ROLE akili_service"
    );
    platform.superuser(&make).map(drop)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Tenant,
    Service,
}

/// An open transaction, or an idle pooled connection.
struct Transaction<'a> {
    platform: &'a Platform,
    slug: String,
    tenant: String,
    who: Who,
    isolation: Option<&'static str>,
    /// Uncommitted note, if any.
    wrote: Option<String>,
    connection: PgConnection,
}

/// Opens transactions of all kinds; the tenant has a row.
pub async fn open<'a>(platform: &'a Platform, slug: &str) -> Result<Vec<Box<dyn Session + 'a>>> {
    const RC: Option<&str> = Some("READ COMMITTED");
    const RR: Option<&str> = Some("REPEATABLE READ");
    let tenant = platform.status(slug, "id")?;
    platform.superuser(&format!("INSERT INTO notes VALUES ('{tenant}', 'first')"))?;
    let own = platform.login_of(slug)?;
    platform
        .eventually("the table is open to tenants", || {
            let answer = platform.as_login(&own, "SELECT FROM notes")?;
            Ok(answer.status.success())
        })
        .await?;
    let service = Login::new(SERVICE, PASSWORD);
    let mut open: Vec<Box<dyn Session + 'a>> = Vec::new();
    for (who, isolation, writes) in [
        (Who::Tenant, RC, true),
        (Who::Tenant, RR, true),
        (Who::Service, RC, true),
        (Who::Service, RR, true),
        (Who::Service, RC, false),
        (Who::Service, RR, false),
        (Who::Service, None, false),
    ] {
        let login = match who {
            Who::Tenant => &own,
            Who::Service => &service,
        };
        let mut transaction = Transaction {
            platform,
            slug: slug.to_owned(),
            tenant: tenant.clone(),
            who,
            isolation,
            wrote: writes.then(|| format!("uncommitted-{}", open.len())),
            connection: connect(platform, login).await?,
        };
        transaction
            .begin(isolation.unwrap_or("READ COMMITTED"))
            .await?;
        if isolation.is_none() {
            transaction.run("COMMIT").await?;
        }
        open.push(Box::new(transaction));
    }
    Ok(open)
}

async fn connect(platform: &Platform, login: &Login) -> Result<PgConnection> {
    let url = platform
        .testbed
        .postgres()
        .url(&login.user, &login.password);
    let options: PgConnectOptions = url.parse()?;
    Ok(PgConnection::connect_with(&options).await?)
}

impl Transaction<'_> {
    async fn begin(&mut self, isolation: &str) -> Result<()> {
        self.run(&format!("BEGIN ISOLATION LEVEL {isolation}"))
            .await?;
        if self.who == Who::Service {
            let choose = format!(
                "SELECT set_config('akili.tenant_id', '{}', true)",
                self.tenant
            );
            self.run(&choose).await?;
        }
        match self.wrote.clone() {
            Some(note) => self.write(&note).await?,
            None => ensure!(self.rows().await? > 0, "the tenant has no row"),
        }
        Ok(())
    }

    async fn run(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        let sql = AssertSqlSafe(sql.to_owned());
        self.connection.execute(sqlx::raw_sql(sql)).await.map(drop)
    }

    async fn write(&mut self, note: &str) -> Result<(), sqlx::Error> {
        let tenant = &self.tenant;
        let write = format!("INSERT INTO notes VALUES ('{tenant}', '{note}')");
        self.run(&write).await
    }

    async fn rows(&mut self) -> Result<usize, sqlx::Error> {
        let read = sqlx::query("SELECT note FROM notes");
        Ok(read.fetch_all(&mut self.connection).await?.len())
    }

    /// Checks that no uncommitted note exists.
    fn ensure_nothing_was_committed(&self) -> Result<()> {
        let tenant = &self.tenant;
        let notes = format!("SELECT note FROM notes WHERE tenant_id = '{tenant}'");
        let notes = self.platform.superuser(&notes)?;
        ensure!(!notes.contains("uncommitted"), "there is {notes}");
        Ok(())
    }
}

#[async_trait]
impl Session for Transaction<'_> {
    fn name(&self) -> String {
        let who = match self.who {
            Who::Tenant => "PostgreSQL: the tenant's transaction",
            Who::Service => "PostgreSQL: a service's transaction for the tenant",
        };
        match (self.isolation, &self.wrote) {
            (Some(isolation), Some(_)) => format!("{who} that has written, {isolation}"),
            (Some(isolation), None) => format!("{who} that has only read, {isolation}"),
            (None, _) => format!("{who}, begun afterwards on its pooled connection"),
        }
    }

    async fn fate(&mut self, _: Closing) -> Result<String> {
        if self.isolation.is_none() {
            self.run("BEGIN").await?;
            let choose = format!(
                "SELECT set_config('akili.tenant_id', '{}', true)",
                self.tenant
            );
            self.run(&choose).await?;
        }
        let rows = match self.rows().await {
            Err(error) if has_code(&error, "57P01") => {
                self.ensure_nothing_was_committed()?;
                let lost = if self.wrote.is_some() {
                    "; what it wrote is undone"
                } else {
                    ""
                };
                return Ok(format!("ended{lost}"));
            }
            rows => rows?,
        };
        let reads = if rows == 0 {
            "reads nothing"
        } else {
            "continues to read"
        };
        let writes = match self.write("uncommitted-late").await {
            Err(error) if has_code(&error, "42501") || has_code(&error, "40001") => {
                let said = error.as_database_error().map(|said| said.message());
                said.unwrap_or_default().replace(&self.slug, "…")
            }
            other => bail!("a write: {other:?}"),
        };
        self.run("ROLLBACK").await?;
        self.ensure_nothing_was_committed()?;
        Ok(format!("{reads}; a write is refused: {writes}"))
    }
}

fn has_code(error: &sqlx::Error, code: &str) -> bool {
    let said = error.as_database_error();
    said.and_then(|said| said.code()).as_deref() == Some(code)
}

pub struct Rows<'a> {
    platform: &'a Platform,
    login: Login,
    tenant: String,
    connection: Option<PgConnection>,
}

impl<'a> Rows<'a> {
    /// Opens a new connection.
    pub async fn open(platform: &'a Platform, slug: &str) -> Result<Self> {
        let login = platform.login_of(slug)?;
        Ok(Self {
            platform,
            tenant: platform.status(slug, "id")?,
            connection: Some(connect(platform, &login).await?),
            login,
        })
    }

    async fn attempt(&mut self, closing: Closing) -> Result<u64, sqlx::Error> {
        let url = self.platform.testbed.postgres();
        let url = url.url(&self.login.user, &self.login.password);
        let mut connection = match self.connection.take() {
            Some(open) => open,
            None => PgConnection::connect(&url).await?,
        };
        let tenant = &self.tenant;
        let sql = match closing {
            Closing::Suspended => format!("INSERT INTO notes VALUES ('{tenant}', 'polled')"),
            Closing::Archived => "SELECT note FROM notes".to_owned(),
        };
        let done = connection.execute(AssertSqlSafe(sql)).await;
        let is_ended = matches!(&done, Err(error) if error.as_database_error().is_none() || has_code(error, "57P01"));
        if !is_ended {
            self.connection = Some(connection);
        }
        Ok(done?.rows_affected())
    }
}

#[async_trait]
impl Plane for Rows<'_> {
    fn name(&self) -> &'static str {
        "PostgreSQL"
    }

    async fn is_closed(&mut self, closing: Closing) -> Result<bool> {
        Ok(match self.attempt(closing).await {
            Ok(rows) => rows == 0,
            // A rejected statement or a rejected login.
            Err(error) => has_code(&error, "42501") || has_code(&error, "28000"),
        })
    }
}
