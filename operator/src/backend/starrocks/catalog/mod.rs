//! The catalog's plane: an Iceberg catalog a tenant, and a role and a user for it.

mod diff;
mod grants;
mod properties;

use std::collections::BTreeMap;
use std::sync::Arc;

use akili_crds::condition::types;
use akili_crds::tenant::{CatalogName, Resources};
use async_trait::async_trait;

use self::diff::{Held, Names, Observed, Step};
use self::grants::{Grants, Verb};
use self::properties::{comment, mark};
use super::client::{Client, Record};
use super::sql::{identifier, properties as list, text};
use crate::backend::credentials::Credentials;
use crate::backend::{Backend, Desired, Effect, TenantKey};
use crate::error::Error;

pub use properties::Template;

/// The catalog's plane.
pub struct Catalog {
    client: Client,
    credentials: Arc<dyn Credentials>,
    /// Those of the object store: a catalog has the tenant's own key.
    object_store: Arc<dyn Credentials>,
    template: Template,
}

impl Catalog {
    /// The plane of this StarRocks, where catalogs are made like this.
    pub fn new(
        client: Client,
        credentials: Arc<dyn Credentials>,
        object_store: Arc<dyn Credentials>,
        template: Template,
    ) -> Self {
        Self {
            client,
            credentials,
            object_store,
            template,
        }
    }

    async fn grants(&self, tenant: &TenantKey) -> Result<Grants, Error> {
        let show = format!("SHOW GRANTS FOR ROLE {}", text(&tenant.id.starrocks_name()));
        let rows = self.client.query("reading a role's grants", &show).await?;
        Ok(grants::found(&rows, &tenant.slug.catalog()))
    }

    /// The numbers of the connections that the tenant's user has.
    async fn sessions(&self, tenant: &TenantKey) -> Result<Vec<String>, Error> {
        let doing = "looking at the sessions";
        let rows = self.client.query(doing, "SHOW FULL PROCESSLIST").await?;
        let user = tenant.id.starrocks_name();
        let own = rows.iter().filter(|row| column(row, "User") == user);
        Ok(own.map(|row| column(row, "Id").to_owned()).collect())
    }

    async fn kill_sessions(&self, tenant: &TenantKey) -> Result<(), Error> {
        for id in self.sessions(tenant).await? {
            // One that has just ended by itself is no error.
            let killed = self
                .client
                .execute("ending a session", &format!("KILL {id}"))
                .await;
            if killed.is_err() && self.sessions(tenant).await?.contains(&id) {
                return killed;
            }
        }
        Ok(())
    }

    async fn create_catalog(&self, tenant: &TenantKey) -> Result<(), Error> {
        let key = self.object_store.password(tenant).await?;
        let filled = self.template.fill(tenant, &key);
        let name = tenant.slug.catalog();
        let sql = format!(
            "CREATE EXTERNAL CATALOG IF NOT EXISTS {} COMMENT {} PROPERTIES ({})",
            identifier(&name),
            text(&comment(tenant, &filled)),
            list(
                filled
                    .iter()
                    .map(|(key, value)| (key.as_str(), value.as_str()))
            ),
        );
        let doing = format!("making catalog {name}");
        self.client.execute_secret(&doing, &sql).await
    }

    async fn set_password(&self, tenant: &TenantKey, verb: &str) -> Result<(), Error> {
        let user = tenant.id.starrocks_name();
        let password = self.credentials.password(tenant).await?;
        let password = text(password.expose());
        let sql = format!("{verb} {} IDENTIFIED BY {password}", text(&user));
        let doing = format!("setting the password of user {user}");
        self.client.execute_secret(&doing, &sql).await
    }

    async fn give_role(&self, tenant: &TenantKey) -> Result<(), Error> {
        let name = text(&tenant.id.starrocks_name());
        let doing = "giving a user its role";
        let give = format!("GRANT {name} TO USER {name}");
        self.client.execute(doing, &give).await?;
        let activate = format!("SET DEFAULT ROLE {name} TO {name}");
        self.client.execute(doing, &activate).await
    }

    /// Privileges on databases and tables are those of the session's catalog.
    async fn change_grants(
        &self,
        tenant: &TenantKey,
        verb: Verb,
        grants: &Grants,
    ) -> Result<(), Error> {
        let statements = grants::statements(grants, verb, &tenant.id.starrocks_name());
        let doing = "changing a role's grants";
        let catalog = tenant.slug.catalog();
        self.client.execute_in(doing, &catalog, &statements).await
    }
}

#[async_trait]
impl Backend for Catalog {
    type Held = Held;
    type Observed = Observed;
    type Step = Step;

    fn name(&self) -> &'static str {
        "catalog"
    }

    fn condition(&self) -> &'static str {
        types::CATALOG_READY
    }

    fn name_resources(&self, tenant: &TenantKey, resources: &mut Resources) {
        resources.catalog = Some(CatalogName {
            name: tenant.slug.catalog(),
        });
    }

    /// Four statements, however many tenants there are. What roles may do can't be told
    /// for many: a grant on all tables has no row in `sys.grants_to_roles` for a catalog
    /// without tables; nor can passwords. Both are looked at for one tenant at a time.
    async fn list(&self, tenants: &[TenantKey]) -> Result<BTreeMap<TenantKey, Held>, Error> {
        let client = &self.client;
        let catalogs = client.query("listing catalogs", "SHOW CATALOGS").await?;
        let users = client.query("listing users", "SHOW USERS").await?;
        let roles = client.query("listing roles", "SHOW ROLES").await?;
        let edges = "SELECT FROM_ROLE, TO_USER FROM default_catalog.sys.role_edges";
        let edges = client.query("listing users' roles", edges).await?;

        let comments: BTreeMap<&str, &str> = pairs(&catalogs, "Catalog", "Comment").collect();
        let users: Vec<&str> = users.iter().map(|row| column(row, "User")).collect();
        let roles: Vec<&str> = roles.iter().map(|row| column(row, "Name")).collect();
        let mut given: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (user, role) in pairs(&edges, "TO_USER", "FROM_ROLE") {
            given.entry(user).or_default().push(role.to_owned());
        }
        let held = |tenant: &TenantKey| {
            let name = tenant.id.starrocks_name();
            let user = format!("'{name}'@'%'");
            let comment = comments.get(tenant.slug.catalog().as_str());
            Held {
                catalog: comment.map(|comment| (*comment).to_owned()),
                has_role: roles.contains(&name.as_str()),
                has_user: users.contains(&user.as_str()),
                roles: given.get(user.as_str()).cloned().unwrap_or_default(),
            }
        };
        Ok(tenants.iter().map(|it| (it.clone(), held(it))).collect())
    }

    /// StarRocks shows no password: whether it is the Secret's is found out by logging in.
    async fn observe(&self, tenant: &TenantKey, held: Held) -> Result<Observed, Error> {
        let grants = match held.has_role {
            true => self.grants(tenant).await?,
            false => Grants::new(),
        };
        let (sessions, credential) = match held.has_user {
            true => (
                self.sessions(tenant).await?.len(),
                self.credentials.read(tenant).await?,
            ),
            false => (0, self.credentials.read(tenant).await?),
        };
        let password_is_right = match &credential {
            Some(credential) if held.has_user => {
                let user = tenant.id.starrocks_name();
                self.client.accepts(&user, &credential.password).await?
            }
            _ => false,
        };
        let key = self.object_store.read(tenant).await?;
        Ok(Observed {
            held,
            grants,
            sessions,
            credential_is_current: credential.is_some_and(|it| it.current),
            password_is_right,
            comment: key.map(|key| comment(tenant, &self.template.fill(tenant, &key.password))),
        })
    }

    fn foreign_owner(&self, tenant: &TenantKey, observed: &Observed) -> Option<String> {
        let comment = observed.held.catalog.as_ref()?;
        (!comment.starts_with(&mark(tenant))).then(|| {
            format!(
                "catalog {} exists, and its comment doesn't begin with {}: rename or drop it, \
                 or choose another name for the tenant",
                tenant.slug.catalog(),
                mark(tenant)
            )
        })
    }

    fn diff(&self, tenant: &TenantKey, desired: &Desired, observed: &Observed) -> Vec<Step> {
        let names = Names {
            catalog: tenant.slug.catalog(),
            role: tenant.id.starrocks_name(),
        };
        diff::diff(&names, desired, observed)
    }

    fn effect(step: &Step) -> Effect {
        step.effect()
    }

    async fn apply(&self, tenant: &TenantKey, step: &Step) -> Result<(), Error> {
        let (client, name) = (&self.client, text(&tenant.id.starrocks_name()));
        match step {
            Step::WriteCredential => self.credentials.write(tenant).await,
            Step::WriteObjectStoreCredential => self.object_store.write(tenant).await,
            Step::CreateCatalog => self.create_catalog(tenant).await,
            Step::DropCatalog => {
                let drop = format!(
                    "DROP CATALOG IF EXISTS {}",
                    identifier(&tenant.slug.catalog())
                );
                client.execute("dropping a catalog", &drop).await
            }
            Step::CreateRole => {
                let create = format!("CREATE ROLE IF NOT EXISTS {name}");
                client.execute("making a role", &create).await
            }
            Step::CreateUser => self.set_password(tenant, "CREATE USER IF NOT EXISTS").await,
            Step::SetPassword => self.set_password(tenant, "ALTER USER").await,
            Step::Grant(grants) => self.change_grants(tenant, Verb::Grant, grants).await,
            Step::Revoke(grants) => self.change_grants(tenant, Verb::Revoke, grants).await,
            Step::GiveRole => self.give_role(tenant).await,
            Step::TakeRole(role) => {
                let take = format!("REVOKE {} FROM USER {name}", text(role));
                client.execute("taking a role from a user", &take).await
            }
            Step::KillSessions => self.kill_sessions(tenant).await,
        }
    }
}

fn column<'a>(row: &'a Record, name: &str) -> &'a str {
    row.get(name).map(String::as_str).unwrap_or_default()
}

fn pairs<'a>(
    rows: &'a [Record],
    key: &'a str,
    value: &'a str,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    rows.iter()
        .map(move |row| (column(row, key), column(row, value)))
}
