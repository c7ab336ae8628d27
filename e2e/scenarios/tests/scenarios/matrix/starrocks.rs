//! StarRocks, with an ordinary client and the login of the Secret `akili-starrocks`.

use akili_scenarios::platform::{Login, Platform, StarRocks as Session};
use anyhow::{Context, Result};
use async_trait::async_trait;
use mysql_async::Error;
use tokio::sync::Mutex;

use super::operation::{Held, Operation, Plane, State};
use crate::access_matrix::Answer;

/// A tenant's login, and an admin's session that reads all data.
pub struct StarRocks<'a> {
    platform: &'a Platform,
    login: Login,
    admin: Mutex<Session>,
    own: String,
    other: String,
}

impl<'a> StarRocks<'a> {
    /// Creates rows of both tenants.
    pub async fn open(platform: &'a Platform, own: &str, other: &str) -> Result<Self> {
        let catalog = |slug| platform.status(slug, "resources.catalog.name");
        let plane = Self {
            platform,
            login: platform.starrocks_login_of(own)?,
            admin: Mutex::new(platform.starrocks_of_root().await?),
            own: catalog(own)?,
            other: catalog(other)?,
        };
        note(platform, own, &plane.own).await?;
        note(platform, other, &plane.other).await?;
        Ok(plane)
    }

    async fn query(&self, sql: &str) -> Result<()> {
        // The tenant's sessions end with each change of its state.
        let mut session = self.platform.starrocks_as(&self.login).await?;
        session.query(sql).await?;
        Ok(())
    }

    async fn held_in(&self, catalog: &str) -> Result<String> {
        let rows = format!("SELECT note FROM {catalog}.d.notes");
        Ok(format!("{:?}", self.admin.lock().await.query(&rows).await?))
    }
}

/// Creates a table with one row.
async fn note(platform: &Platform, slug: &str, catalog: &str) -> Result<()> {
    let mut session = platform.starrocks_of(slug).await?;
    for sql in [
        format!("CREATE DATABASE IF NOT EXISTS {catalog}.d"),
        format!("CREATE TABLE IF NOT EXISTS {catalog}.d.notes (note STRING)"),
        format!("DELETE FROM {catalog}.d.notes WHERE note = 'first'"),
        format!("INSERT INTO {catalog}.d.notes VALUES ('first')"),
    ] {
        session.query(&sql).await.context(sql)?;
    }
    Ok(())
}

#[async_trait]
impl Plane for StarRocks<'_> {
    fn name(&self) -> &'static str {
        "StarRocks"
    }

    async fn attempt(&self, operation: Operation) -> Result<Answer> {
        let Self { own, other, .. } = self;
        let sql = match operation {
            Operation::OwnRead => format!("SELECT note FROM {own}.d.notes"),
            Operation::OwnWrite => format!("INSERT INTO {own}.d.notes VALUES ('new')"),
            Operation::OwnDelete => format!("DELETE FROM {own}.d.notes WHERE note = 'new'"),
            Operation::OthersRead => format!("SELECT note FROM {other}.d.notes"),
            Operation::OthersWrite => format!("INSERT INTO {other}.d.notes VALUES ('forged')"),
            Operation::OthersList => format!("SHOW DATABASES FROM {other}"),
            Operation::CreateOutside => "CREATE DATABASE default_catalog.outside".into(),
        };
        match self.query(&sql).await {
            Err(error) if !is_answer(&error) => Err(error),
            answer => Ok(Answer::of(answer.map_err(|error| format!("{error:#}")))),
        }
    }

    async fn held(&self) -> Result<Held> {
        Ok(Held {
            own: self.held_in(&self.own).await?,
            other: self.held_in(&self.other).await?,
        })
    }

    fn rejections(&self, _: Operation, state: State) -> &'static [&'static str] {
        match state {
            State::Archived => &["Access denied for user"],
            _ => &["Access denied; you need"],
        }
    }
}

/// Returns whether StarRocks sent the error.
fn is_answer(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Error::Server(_)))
}
