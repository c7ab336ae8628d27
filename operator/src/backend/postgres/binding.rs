//! The Secret `akili-postgres`: how a tenant's pods and people reach the database.

use super::super::credentials::{Binding, Entries};
use crate::backend::TenantKey;
use crate::password::Password;

/// Where tenants find the platform's database.
#[derive(Clone, Debug)]
pub struct Address {
    /// Name or address of the server.
    pub host: String,
    /// TCP port of the server.
    pub port: u16,
    /// The database.
    pub database: String,
    /// The certificate authority of the server, in PEM.
    pub ca: Option<String>,
}

impl Binding for Address {
    fn secret(&self) -> &'static str {
        "akili-postgres"
    }

    fn type_(&self) -> &'static str {
        "postgresql"
    }

    fn entries(&self, tenant: &TenantKey, password: &Password) -> Entries {
        let Self {
            host,
            port,
            database,
            ca,
        } = self;
        let (role, word) = (tenant.id.postgres_role(), password.expose());
        // Generated passwords are letters and digits, and so are role names.
        let uri = format!("postgresql://{role}:{word}@{host}:{port}/{database}");
        let ca = ca.iter().map(|ca| ("ca.crt", ca.clone()));
        let entries = [
            ("host", host.clone()),
            ("port", port.to_string()),
            ("database", database.clone()),
            ("username", role),
            ("password", word.to_owned()),
            ("uri", uri),
        ];
        Entries(entries.into_iter().chain(ca).collect())
    }
}
