//! Clients of PostgreSQL.

use std::process::{Command, Output};

use anyhow::Result;

use super::Platform;
use akili_testbed::command::succeed;

/// A login.
pub struct Login {
    pub user: String,
    /// Must need no escaping in a URL.
    pub password: String,
}

impl Login {
    pub fn new(user: &str, password: &str) -> Self {
        let [user, password] = [user, password].map(str::to_owned);
        Self { user, password }
    }
}

impl Platform {
    /// Runs SQL as a superuser and returns its undecorated output.
    pub fn superuser(&self, sql: &str) -> Result<String> {
        succeed(&self.psql(&self.testbed.postgres().superuser_url(), sql)?)
    }

    /// Runs SQL as the tenant's login with the password of its Secret.
    pub fn as_tenant(&self, slug: &str, sql: &str) -> Result<Output> {
        self.as_login(&self.login_of(slug)?, sql)
    }

    /// Runs SQL as this login; the output is undecorated.
    pub fn as_login(&self, login: &Login, sql: &str) -> Result<Output> {
        let url = self.testbed.postgres().url(&login.user, &login.password);
        self.psql(&url, sql)
    }

    /// Returns the tenant's login with the password of its Secret.
    pub fn login_of(&self, slug: &str) -> Result<Login> {
        let password = self.secret_entry(slug, "akili-postgres", "password")?;
        let user = self.status(slug, "resources.postgres.role")?;
        Ok(Login { user, password })
    }

    fn psql(&self, url: &str, sql: &str) -> Result<Output> {
        const BARE: [&str; 4] = ["-X", "-q", "-A", "-t"];
        Ok(Command::new("/usr/lib/postgresql/15/bin/psql")
            .args(BARE)
            .args(["-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql])
            .output()?)
    }
}
