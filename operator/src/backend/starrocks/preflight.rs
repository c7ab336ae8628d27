//! Whether StarRocks is fit for the operator: for `check`.

use async_trait::async_trait;

use super::client::Client;
use crate::backend::preflight::{Check, Preflight};
use crate::error::Error;

/// What an admin grants the operator's user once, as `root`: for each kind of thing that
/// it does, a statement that fails without the privilege, and what to grant.
const PRIVILEGES: [(&str, &str, &str); 3] = [
    (
        "StarRocks users and roles",
        "SELECT FROM_ROLE FROM default_catalog.sys.role_edges",
        "GRANT user_admin TO USER …, and SET DEFAULT ROLE user_admin TO …",
    ),
    (
        "StarRocks nodes and sessions",
        "SHOW BACKENDS",
        "GRANT OPERATE, CREATE EXTERNAL CATALOG, CREATE RESOURCE GROUP ON SYSTEM TO USER …",
    ),
    (
        "StarRocks catalogs",
        "SHOW CATALOGS",
        "GRANT USAGE, DROP ON ALL CATALOGS TO USER …",
    ),
];

#[async_trait]
impl Preflight for Client {
    fn connection(&self) -> &'static str {
        "StarRocks connection"
    }

    async fn preflight(&self) -> Result<Vec<Check>, Error> {
        self.query("asking who we are", "SELECT current_user()")
            .await?;
        let mut checks = Vec::new();
        for (what, statement, grant) in PRIVILEGES {
            let refused = self.query("looking at privileges", statement).await.err();
            let problem = refused.map(|error| format!("{}: {grant}", error.message));
            checks.push(Check::must(what, problem));
        }
        let plain = self.address().ca.is_none().then(|| {
            "the connection isn't encrypted; StarRocks 3.4.1 and later can, set starrocks.caFile"
                .to_owned()
        });
        checks.push(Check::should("StarRocks encryption", plain));
        Ok(checks)
    }
}
