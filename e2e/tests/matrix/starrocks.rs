//! StarRocks, with an ordinary client and the login of the Secret `akili-starrocks`.

use akili_e2e::platform::{Platform, StarRocks as Session};
use anyhow::{Context, Result};
use async_trait::async_trait;
use mysql_async::Error;
use tokio::sync::Mutex;

use crate::deed::{Answer, Deed, Plane};

/// A tenant's session, and one of the other's, by which it is seen what the other has.
pub struct StarRocks {
    own: Mutex<Session>,
    other: Mutex<Session>,
    own_catalog: String,
    other_catalog: String,
}

impl StarRocks {
    /// Rows of both.
    pub async fn open(platform: &Platform, own: &str, other: &str) -> Result<Self> {
        let own_catalog = platform.status(own, "resources.catalog.name")?;
        let other_catalog = platform.status(other, "resources.catalog.name")?;
        let own = notes(platform, own, &own_catalog).await?;
        let other = notes(platform, other, &other_catalog).await?;
        Ok(Self {
            own: Mutex::new(own),
            other: Mutex::new(other),
            own_catalog,
            other_catalog,
        })
    }
}

/// A session of the tenant, which has one note.
async fn notes(platform: &Platform, slug: &str, catalog: &str) -> Result<Session> {
    let mut session = platform.starrocks_of(slug).await?;
    for sql in [
        format!("CREATE DATABASE IF NOT EXISTS {catalog}.d"),
        format!("CREATE TABLE IF NOT EXISTS {catalog}.d.notes (note STRING)"),
        format!("DELETE FROM {catalog}.d.notes WHERE note = 'first'"),
        format!("INSERT INTO {catalog}.d.notes VALUES ('first')"),
    ] {
        session.query(&sql).await.context(sql)?;
    }
    Ok(session)
}

#[async_trait]
impl Plane for StarRocks {
    fn name(&self) -> &'static str {
        "StarRocks"
    }

    async fn attempt(&self, deed: Deed) -> Result<Answer> {
        let (own, other) = (&self.own_catalog, &self.other_catalog);
        let sql = match deed {
            Deed::OwnRead => format!("SELECT note FROM {own}.d.notes"),
            Deed::OwnWrite => format!("INSERT INTO {own}.d.notes VALUES ('new')"),
            Deed::OwnDelete => format!("DELETE FROM {own}.d.notes WHERE note = 'new'"),
            Deed::OthersRead => format!("SELECT note FROM {other}.d.notes"),
            Deed::OthersWrite => format!("INSERT INTO {other}.d.notes VALUES ('forged')"),
            Deed::OthersList => format!("SHOW DATABASES FROM {other}"),
            Deed::CreateOutside => "CREATE DATABASE default_catalog.outside".into(),
        };
        match self.own.lock().await.query(&sql).await {
            Err(error) if !matches!(error, Error::Server(_)) => Err(error.into()),
            answer => Ok(Answer::of(answer)),
        }
    }

    async fn others(&self) -> Result<String> {
        let rows = format!("SELECT note FROM {}.d.notes", self.other_catalog);
        Ok(format!("{:?}", self.other.lock().await.query(&rows).await?))
    }

    fn refusals(&self) -> &'static [&'static str] {
        &["Access denied"]
    }
}
