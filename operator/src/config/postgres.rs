//! `postgres`: the platform's database.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::field::{ConfigError, authority, secret};
use crate::backend::postgres::service_binding::ConnectionInfo;
use crate::password::Password;

/// The platform's database.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Postgres {
    /// Host of the server, for the operator and for tenants.
    pub host: String,
    /// TCP port of the server.
    #[serde(default = "default_port")]
    pub port: u16,
    /// Database with the registry and the tenants' tables.
    pub database: String,
    /// Login of the operator, which the bootstrap SQL creates.
    #[serde(default = "default_user")]
    pub user: String,
    /// Password of the operator's login; set it by its environment variable, not in the file.
    #[serde(deserialize_with = "secret")]
    #[schemars(with = "String")]
    pub password: Password,
    /// File with the certificate authority of the server, in PEM; without it, the server's
    /// certificate is not verified.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Schemas whose tables with a `tenant_id uuid` column belong to tenants.
    #[serde(default = "default_tenant_schemas")]
    pub tenant_schemas: Vec<String>,
}

impl Postgres {
    /// Returns how the operator connects.
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

    /// Returns how tenants connect.
    ///
    /// # Errors
    /// `postgres.caFile` can't be read.
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
