//! How clients get in.

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

/// The database that the platform's tables are in.
pub const DATABASE: &str = "akili";

/// Where clients find PostgreSQL, and who its superuser is.
#[derive(Clone, Debug)]
pub struct PostgresHandle {
    /// The address that it listens on.
    pub host: &'static str,
    /// The port that it listens on.
    pub port: u16,
    /// The platform's database.
    pub database: &'static str,
    /// The certificate that the server's is verified with.
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

    /// A URL for this login. It verifies the server's certificate. The parts must
    /// need no escaping in a URL.
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

    /// A URL for the superuser, with the password in clear.
    pub fn superuser_url(&self) -> String {
        self.url(USER, &self.password)
    }
}

/// The variables that make a superuser's `psql` use the testbed.
pub fn libpq_environment() -> [(&'static str, String); 5] {
    [
        ("PGHOST", directory().display().to_string()),
        ("PGPORT", POSTGRES_PORT.to_string()),
        ("PGUSER", USER.to_owned()),
        ("PGDATABASE", DATABASE.to_owned()),
        ("PGPASSFILE", passwords_for_libpq().display().to_string()),
    ]
}

/// What to type for a superuser's psql, without the password in it.
pub fn psql_line() -> String {
    let variables = libpq_environment().map(|(variable, value)| format!("{variable}={value}"));
    format!("{} psql", variables.join(" "))
}
