//! A session in StarRocks, and the login for the next one.

use akili_scenarios::platform::{Login, Platform, StarRocks};
use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use mysql_async::Error;

use super::session::{Closing, Plane, Session};

/// Opens a session; the tenant has a row.
pub async fn open<'a>(platform: &'a Platform, slug: &str) -> Result<Vec<Box<dyn Session + 'a>>> {
    let mut warehouse = Warehouse::open(platform, slug).await?;
    let catalog = &warehouse.catalog;
    for sql in [
        format!("CREATE DATABASE {catalog}.d"),
        format!("CREATE TABLE {catalog}.d.notes (note STRING)"),
        format!("INSERT INTO {catalog}.d.notes VALUES ('first')"),
    ] {
        let session = warehouse.session.as_mut().context("it is open")?;
        session.query(&sql).await.context(sql)?;
    }
    Ok(vec![Box::new(warehouse)])
}

pub struct Warehouse<'a> {
    platform: &'a Platform,
    login: Login,
    catalog: String,
    session: Option<StarRocks>,
}

impl<'a> Warehouse<'a> {
    /// Opens a session with the login of the tenant's Secret.
    pub async fn open(platform: &'a Platform, slug: &str) -> Result<Self> {
        let login = platform.starrocks_login_of(slug)?;
        Ok(Self {
            platform,
            catalog: platform.status(slug, "resources.catalog.name")?,
            session: Some(platform.starrocks_as(&login).await?),
            login,
        })
    }

    /// Runs SQL in the open session, or in a new one.
    async fn attempt(&mut self, sql: &str) -> Result<()> {
        let mut session = match self.session.take() {
            Some(open) => open,
            None => self.platform.starrocks_as(&self.login).await?,
        };
        let answer = session.query(sql).await;
        if matches!(answer, Ok(_) | Err(Error::Server(_))) {
            self.session = Some(session);
        }
        answer?;
        Ok(())
    }
}

#[async_trait]
impl Session for Warehouse<'_> {
    fn name(&self) -> String {
        "StarRocks: a session".into()
    }

    async fn fate(&mut self, closing: Closing) -> Result<String> {
        let read = format!("SELECT note FROM {}.d.notes", self.catalog);
        match self.attempt(&read).await {
            Err(error) if !is_rejection(&error) => {}
            answer => bail!("the session isn't ended: {answer:?}"),
        }
        let next = self.attempt(&read).await;
        Ok(match (closing, next) {
            (Closing::Suspended, Ok(())) => "ended; the next one reads".into(),
            (Closing::Archived, Err(error)) if is_rejection(&error) => {
                "ended; there is no next one".into()
            }
            (_, next) => bail!("the next one: {next:?}"),
        })
    }
}

#[async_trait]
impl Plane for Warehouse<'_> {
    fn name(&self) -> &'static str {
        "StarRocks"
    }

    async fn is_closed(&mut self, closing: Closing) -> Result<bool> {
        let notes = format!("{}.d.notes", self.catalog);
        let sql = match closing {
            Closing::Suspended => format!("INSERT INTO {notes} VALUES ('polled')"),
            Closing::Archived => format!("SELECT note FROM {notes}"),
        };
        let answer = self.attempt(&sql).await;
        Ok(answer.is_err_and(|error| is_rejection(&error)))
    }
}

fn is_rejection(error: &anyhow::Error) -> bool {
    match error.downcast_ref() {
        Some(Error::Server(said)) => said.message.contains("Access denied"),
        _ => false,
    }
}
