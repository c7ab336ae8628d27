//! Connection data of PostgreSQL.

use std::path::PathBuf;

use anyhow::Result;

use super::{
    USER,
    cluster::{directory, password_file, passwords_for_libpq},
};
use crate::{
    files,
    layout::{NODE_ADDRESS, POSTGRES_PORT},
    pki,
};

/// Database of the platform's tables.
pub const DATABASE: &str = "akili";

/// PostgreSQL's address and its superuser.
#[derive(Clone, Debug)]
pub struct PostgresHandle {
    pub host: &'static str,
    pub port: u16,
    pub database: &'static str,
    /// CA certificate of the server.
    pub ca_path: PathBuf,
    password: String,
}

impl PostgresHandle {
    pub(crate) fn load() -> Result<Self> {
        Ok(Self {
            host: NODE_ADDRESS,
            port: POSTGRES_PORT,
            database: DATABASE,
            ca_path: pki::authority_certificate(),
            password: files::read(&password_file())?,
        })
    }

    /// Returns a URL for this login that verifies the server's certificate. User and
    /// password must need no escaping in a URL.
    pub fn url(&self, user: &str, password: &str) -> String {
        let Self {
            host,
            port,
            database,
            ca_path,
            ..
        } = self;
        let ca_path = ca_path.display();
        format!(
            "postgresql://{user}:{password}@{host}:{port}/{database}?sslmode=verify-full&sslrootcert={ca_path}"
        )
    }

    /// Returns a URL for the superuser, with the password in clear.
    pub fn superuser_url(&self) -> String {
        self.url(USER, &self.password)
    }
}

/// Returns the variables with which `psql` connects as the superuser.
pub fn libpq_environment() -> [(&'static str, String); 5] {
    [
        ("PGHOST", directory().display().to_string()),
        ("PGPORT", POSTGRES_PORT.to_string()),
        ("PGUSER", USER.to_owned()),
        ("PGDATABASE", DATABASE.to_owned()),
        ("PGPASSFILE", passwords_for_libpq().display().to_string()),
    ]
}

/// Returns a shell command for a superuser's psql, without the password.
pub fn psql_line() -> String {
    let variables = libpq_environment().map(|(variable, value)| format!("{variable}={value}"));
    format!("{} psql", variables.join(" "))
}
