//! The Secret `akili-starrocks`: how a tenant's pods and people reach their catalog.

use crate::backend::TenantKey;
use crate::backend::credentials::{Binding, Entries};
use crate::password::Password;

/// Where tenants find the platform's StarRocks.
#[derive(Clone, Debug)]
pub struct Address {
    /// Name or address of a frontend.
    pub host: String,
    /// Its port for MySQL's protocol.
    pub port: u16,
    /// The certificate authority of the frontend, in PEM.
    pub ca: Option<String>,
}

impl Binding for Address {
    fn secret(&self) -> &'static str {
        "akili-starrocks"
    }

    fn type_(&self) -> &'static str {
        "mysql"
    }

    fn entries(&self, tenant: &TenantKey, password: &Password) -> Entries {
        let Self { host, port, ca } = self;
        let (user, word) = (tenant.id.starrocks_name(), password.expose());
        // Generated passwords are letters and digits. No database: StarRocks takes a
        // catalog there only together with one.
        let uri = format!("mysql://{user}:{word}@{host}:{port}");
        let ca = ca.iter().map(|ca| ("ca.crt", ca.clone()));
        let entries = [
            ("host", host.clone()),
            ("port", port.to_string()),
            ("catalog", tenant.slug.catalog()),
            ("username", user),
            ("password", word.to_owned()),
            ("uri", uri),
        ];
        Entries(entries.into_iter().chain(ca).collect())
    }
}
