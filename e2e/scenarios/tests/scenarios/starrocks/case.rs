//! What a tenant tries with StarRocks, and what must come of it.

use akili_scenarios::platform::{Platform, StarRocks};
use anyhow::{Context, Result, ensure};
use mysql_async::Error;

use super::name_of;

/// The number of a refusal for want of a privilege.
pub const DENIED: u16 = 5203;

/// A statement that is tried.
pub struct Case {
    sql: String,
    refused_with: Option<u16>,
}

/// It must work.
pub fn done(sql: impl Into<String>) -> Case {
    Case {
        sql: sql.into(),
        refused_with: None,
    }
}

/// It must be refused with this number; any other failure proves nothing.
pub fn refused(code: u16, sql: impl Into<String>) -> Case {
    Case {
        refused_with: Some(code),
        ..done(sql)
    }
}

/// Another tenant, which has a table in its catalog and a connection.
pub struct Neighbour {
    /// The name of its role, user and resource group.
    pub name: String,
    /// The number of its connection.
    pub connection: String,
    session: StarRocks,
    admin: StarRocks,
}

impl Neighbour {
    /// Lets a tenant, which is there already, have all that.
    pub async fn settle(platform: &Platform, slug: &str) -> Result<Self> {
        let mut session = platform.starrocks_of(slug).await?;
        for sql in [
            "SET CATALOG tenant_olap_2_catalog",
            "CREATE DATABASE d",
            "CREATE TABLE d.t (id INT, name STRING)",
            "INSERT INTO d.t VALUES (1, 'a secret')",
        ] {
            session.query(sql).await.context(sql)?;
        }
        let id = session.query("SELECT connection_id()").await?;
        Ok(Self {
            name: name_of(platform, slug)?,
            connection: id.concat().concat(),
            session,
            admin: platform.starrocks_of_operator().await?,
        })
    }

    /// Everything that it has, as it and the operator's user see it.
    async fn has(&mut self) -> Result<String> {
        let name = &self.name;
        let grants = format!("SHOW GRANTS FOR ROLE {name}");
        let group = format!("SHOW VERBOSE RESOURCE GROUP {name}");
        let rows = self.session.query("SELECT * FROM d.t").await?;
        let catalog = "SHOW CREATE CATALOG tenant_olap_2_catalog";
        let mut has = format!("{rows:?}");
        for sql in [catalog, &grants, &group, "SHOW USERS", "SHOW ROLES"] {
            has += &format!("{:?}", self.admin.query(sql).await?);
        }
        Ok(has)
    }
}

/// What was tried, and what came of it.
pub struct Matrix {
    neighbour: Neighbour,
    lines: Vec<String>,
    failures: usize,
}

impl Matrix {
    /// An empty one, for what is tried beside this neighbour.
    pub fn new(neighbour: Neighbour) -> Self {
        Self {
            neighbour,
            lines: Vec::new(),
            failures: 0,
        }
    }

    /// Who is there, too.
    pub fn neighbour(&self) -> &Neighbour {
        &self.neighbour
    }

    /// Tries one case after another.
    pub async fn attempt(
        &mut self,
        who: &str,
        session: &mut StarRocks,
        cases: Vec<Case>,
    ) -> Result<()> {
        self.lines.push(format!("{who}:"));
        for case in cases {
            let result = self.judge(session, &case).await;
            self.failures += usize::from(result.is_err());
            self.lines.push(match result {
                Ok(word) => format!("  {word:8} {}", case.sql),
                Err(why) => format!("  FAIL     {}: {why:#}", case.sql),
            });
        }
        Ok(())
    }

    /// Whatever comes of it, nothing of the neighbour's is changed.
    async fn judge(&mut self, session: &mut StarRocks, case: &Case) -> Result<&'static str> {
        let before = self.neighbour.has().await?;
        let answer = session.query(&case.sql).await;
        let after = self.neighbour.has().await?;
        ensure!(before == after, "of the other's {before} it left {after}");
        match (answer, case.refused_with) {
            (Ok(_), None) => Ok("done"),
            (Err(Error::Server(error)), Some(code)) if error.code == code => Ok("refused"),
            (Ok(rows), Some(_)) => anyhow::bail!("it was done: {rows:?}"),
            (Err(error), _) => anyhow::bail!("{error}"),
        }
    }

    /// Shows all of it; an error if anything came out otherwise than it must.
    pub fn finish(self) -> Result<()> {
        println!("{}", self.lines.join("\n"));
        ensure!(self.failures == 0, "{} cases failed", self.failures);
        Ok(())
    }
}
