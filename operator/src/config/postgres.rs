//! `postgres`: the platform's database.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::{ConfigError, authority, secret};
use crate::backend::postgres::service_binding::ConnectionInfo;
use crate::password::Password;

/// The platform's database.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Postgres {
    /// Name or address of the server, for the operator and for tenants.
    pub host: String,
    /// TCP port of the server.
    #[serde(default = "default_port")]
    pub port: u16,
    /// The database that holds the registry and the tenants' tables.
    pub database: String,
    /// The operator's login, made by the bootstrap SQL.
    #[serde(default = "default_user")]
    pub user: String,
    /// The password of the operator's login; by environment rather than in the file.
    #[serde(deserialize_with = "secret")]
    #[schemars(with = "String")]
    pub password: Password,
    /// The certificate authority of the server, in PEM; without one TLS is not verified.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Schemas whose tables with a `tenant_id uuid` column belong to tenants.
    #[serde(default = "default_tenant_schemas")]
    pub tenant_schemas: Vec<String>,
}

impl Postgres {
    /// How the operator's login connects.
    pub fn connection(&self) -> PgConnectOptions {
        let options = PgConnectOptions::new()
            .host(&self.host)
            .port(self.port)
            .database(&self.database)
            .username(&self.user)
            .password(self.password.expose());
        match &self.ca_file {
            Some(ca) => options.ssl_mode(PgSslMode::VerifyFull).ssl_root_cert(ca),
            None => options.ssl_mode(PgSslMode::Prefer),
        }
    }

    /// Where tenants find it.
    ///
    /// # Errors
    /// The certificate authority can't be read.
    pub fn address(&self) -> Result<ConnectionInfo, ConfigError> {
        Ok(ConnectionInfo {
            host: self.host.clone(),
            port: self.port,
            database: self.database.clone(),
            ca: authority(self.ca_file.as_deref(), "postgres.caFile")?,
        })
    }
}

fn default_port() -> u16 {
    5432
}

fn default_user() -> String {
    "akili_operator".into()
}

fn default_tenant_schemas() -> Vec<String> {
    vec!["public".into()]
}
