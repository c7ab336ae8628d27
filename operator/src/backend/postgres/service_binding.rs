//! Layout of the Secret `akili-postgres`, with which a tenant's pods and users connect.

use super::super::credentials::{Entries, ServiceBinding};
use crate::backend::TenantKey;
use crate::password::Password;

/// Connection details of the platform's database.
#[derive(Clone, Debug)]
pub struct ConnectionInfo {
    /// Host name or IP address of the server.
    pub host: String,
    /// TCP port of the server.
    pub port: u16,
    /// Name of the database.
    pub database: String,
    /// Certificate authority of the server, in PEM.
    pub ca: Option<String>,
}

impl ServiceBinding for ConnectionInfo {
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
        let (role, password) = (tenant.id.postgres_role(), password.expose());
        // Generated passwords and role names are letters, digits and `_`: nothing to encode.
        let uri = format!("postgresql://{role}:{password}@{host}:{port}/{database}");
        let ca = ca.iter().map(|ca| ("ca.crt", ca.clone()));
        let entries = [
            ("host", host.clone()),
            ("port", port.to_string()),
            ("database", database.clone()),
            ("username", role),
            ("password", password.to_owned()),
            ("uri", uri),
        ];
        Entries(entries.into_iter().chain(ca).collect())
    }
}
