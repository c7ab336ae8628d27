//! Service Binding of a tenant: layout of the Secret `akili-starrocks`.

use crate::backend::TenantKey;
use crate::backend::credentials::{Entries, ServiceBinding};
use crate::password::Password;

/// Connection settings of StarRocks, for the operator and for tenants.
#[derive(Clone, Debug)]
pub struct ConnectionInfo {
    /// Name or address of a frontend.
    pub host: String,
    /// Its port for the MySQL protocol.
    pub port: u16,
    /// Certificate authority of the frontend in PEM.
    pub ca: Option<String>,
}

impl ServiceBinding for ConnectionInfo {
    fn secret(&self) -> &'static str {
        "akili-starrocks"
    }

    fn type_(&self) -> &'static str {
        "mysql"
    }

    fn entries(&self, tenant: &TenantKey, password: &Password) -> Entries {
        let Self { host, port, ca } = self;
        let (user, password) = (tenant.id.starrocks_name(), password.expose());
        // Generated passwords are letters and digits: nothing needs escaping. The URI has no
        // database, because StarRocks accepts a catalog there only together with one.
        let uri = format!("mysql://{user}:{password}@{host}:{port}");
        let ca = ca.iter().map(|ca| ("ca.crt", ca.clone()));
        let entries = [
            ("host", host.clone()),
            ("port", port.to_string()),
            ("catalog", tenant.slug.catalog()),
            ("username", user),
            ("password", password.to_owned()),
            ("uri", uri),
        ];
        Entries(entries.into_iter().chain(ca).collect())
    }
}
