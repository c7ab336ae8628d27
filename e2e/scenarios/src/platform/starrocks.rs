//! Clients of StarRocks or its stand-in.

use anyhow::{Context, Result};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row};

use super::{Login, Platform};

/// Rows of text values; NULL is an empty text.
pub type Rows = Vec<Vec<String>>;

/// A session.
pub struct StarRocks(Conn);

impl StarRocks {
    /// Runs a statement and returns its rows.
    ///
    /// # Errors
    /// StarRocks' error.
    pub async fn query(&mut self, sql: &str) -> Result<Rows, mysql_async::Error> {
        let rows: Vec<Row> = self.0.query(sql).await?;
        let text = |row: &Row, column| row.get_opt(column).and_then(Result::ok).flatten();
        let texts = |row: &Row| {
            let columns = 0..row.len();
            columns
                .map(|column| text(row, column).unwrap_or_default())
                .collect()
        };
        Ok(rows.iter().map(texts).collect())
    }
}

impl Platform {
    /// Opens a session of the tenant's user with the password of its Secret.
    pub async fn starrocks_of(&self, slug: &str) -> Result<StarRocks> {
        self.starrocks_as(&self.starrocks_login_of(slug)?).await
    }

    /// Returns the tenant's user with the password of its Secret.
    pub fn starrocks_login_of(&self, slug: &str) -> Result<Login> {
        let entry = |name| self.secret_entry(slug, "akili-starrocks", name);
        Ok(Login::new(&entry("username")?, &entry("password")?))
    }

    /// Opens a session of the operator's user.
    pub async fn starrocks_of_operator(&self) -> Result<StarRocks> {
        let handle = self.testbed.starrocks();
        self.starrocks_as(&Login::new(&handle.user, &handle.password))
            .await
    }

    /// Opens a session of StarRocks' admin.
    pub async fn starrocks_of_root(&self) -> Result<StarRocks> {
        let password = self.testbed.starrocks_root_password()?;
        self.starrocks_as(&Login::new("root", &password)).await
    }

    /// Opens a session of this login.
    pub async fn starrocks_as(&self, login: &Login) -> Result<StarRocks> {
        let Login { user, password } = login;
        let options = self.testbed.starrocks().options(user, password);
        let session = Conn::new(options).await;
        Ok(StarRocks(session.with_context(|| {
            format!("{user} can't log in to StarRocks")
        })?))
    }

    /// Creates a catalog that belongs to no tenant, as an admin can.
    pub async fn create_foreign_catalog(&self, name: &str) -> Result<()> {
        let sql = format!(
            "CREATE EXTERNAL CATALOG {name} COMMENT 'finance' PROPERTIES ('type' = 'iceberg', \
             'iceberg.catalog.type' = 'hadoop', 'iceberg.catalog.warehouse' = 's3://finance/')"
        );
        self.starrocks_of_operator().await?.query(&sql).await?;
        Ok(())
    }

    /// Drops the catalogs, users, roles and resource groups of earlier runs' tenants.
    pub(super) async fn empty_starrocks(&self) -> Result<()> {
        let mut session = self.starrocks_of_operator().await?;
        for (list, drop) in [
            ("SHOW CATALOGS", "DROP CATALOG"),
            ("SHOW USERS", "DROP USER"),
            ("SHOW ROLES", "DROP ROLE"),
            ("SHOW VERBOSE RESOURCE GROUPS ALL", "DROP RESOURCE GROUP"),
        ] {
            for row in session.query(list).await? {
                let name = &row[0];
                if name.trim_start_matches('\'').starts_with("tenant_") {
                    session.query(&format!("{drop} {name}")).await?;
                }
            }
        }
        Ok(())
    }
}
