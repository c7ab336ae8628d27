//! Attempts of a tenant with StarRocks.

use akili_scenarios::platform::{Platform, StarRocks};
use anyhow::{Context, Result};

use super::name_of;
use crate::access_matrix::{self, Answer, Cause, Client, Expected};

/// A statement and its expected outcome.
pub type Case = access_matrix::Case<String>;

/// Error code of a missing privilege.
pub const DENIED: u16 = 5203;

/// Returns a case that must succeed.
pub fn done(sql: impl Into<String>) -> Case {
    let sql = sql.into();
    Case::new(sql.clone(), sql, Expected::Done)
}

/// Returns a case that must be rejected with this code.
pub fn rejected(code: u16, sql: impl Into<String>) -> Case {
    let sql = sql.into();
    let cause = Cause::Code(code.to_string());
    Case::new(sql.clone(), sql, Expected::Rejected(cause))
}

/// Another tenant, with a table in its catalog and a connection.
pub struct Neighbour {
    /// Name of its role, user and resource group.
    pub name: String,
    /// Id of its connection.
    pub connection: String,
    session: StarRocks,
    admin: StarRocks,
}

impl Neighbour {
    /// Creates the table of an existing tenant and connects.
    pub async fn create(platform: &Platform, slug: &str) -> Result<Self> {
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
}

/// A tenant's session, beside the neighbour.
pub struct Session<'a> {
    pub session: &'a mut StarRocks,
    pub neighbour: &'a mut Neighbour,
}

impl Client<String> for Session<'_> {
    async fn attempt(&mut self, sql: String) -> Result<Answer> {
        Ok(Answer::of(self.session.query(&sql).await))
    }

    /// Returns everything of the neighbour, as its user and the operator's user see it.
    async fn protected_data(&mut self) -> Result<String> {
        let Neighbour {
            name,
            session,
            admin,
            ..
        } = &mut *self.neighbour;
        let grants = format!("SHOW GRANTS FOR ROLE {name}");
        let group = format!("SHOW VERBOSE RESOURCE GROUP {name}");
        let rows = session.query("SELECT * FROM d.t").await?;
        let catalog = "SHOW CREATE CATALOG tenant_olap_2_catalog";
        let mut data = format!("{rows:?}");
        for sql in [catalog, &grants, &group, "SHOW USERS", "SHOW ROLES"] {
            data += &format!("{:?}", admin.query(sql).await?);
        }
        Ok(data)
    }
}
