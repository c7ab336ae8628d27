//! Catalog plane: a tenant's Iceberg catalog, with a role and a user that may use only this
//! catalog.
//!
//! The role holds all privileges and the user holds the role, so that a change of the
//! tenant's state changes only the role. The operator sees and kills only connections of the
//! frontend that it is connected to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use akili_core::starrocks::catalog::diff::diff;
use akili_core::starrocks::catalog::grants::{self, Edge, Grantee, Privileges};
use akili_core::starrocks::catalog::model::{self, Held, Observed, Step};
use akili_core::starrocks::catalog::properties::{Comment, SALT_LENGTH, Template};
use akili_core::starrocks::model::{INTERNAL_CATALOG, Login};
use akili_core::starrocks::sql::{Statement, properties, quote_identifier, quote_literal, user};
use akili_crds::condition::types;
use akili_crds::tenant::{CatalogName, Resources};
use async_trait::async_trait;
use futures::future::OptionFuture;
use futures::stream::{self, StreamExt, TryStreamExt};
use rand::distr::{Alphanumeric, SampleString};

use super::client::{Client, OBSERVE_CONCURRENCY};
use crate::backend::credentials::{Credential, Credentials};
use crate::backend::{Backend, Desired, Effect, TenantKey};
use crate::error::Error;

/// The catalog plane.
pub struct Catalog {
    client: Client,
    credentials: Arc<dyn Credentials>,
    object_keys: Arc<dyn Credentials>,
    template: Template,
}

/// Objects of all tenants, as bulk statements show them.
struct Listing {
    /// Comments by catalog.
    catalogs: BTreeMap<String, String>,
    roles: BTreeSet<String>,
    /// Users as StarRocks shows them: `'name'@'host'`.
    users: BTreeSet<String>,
    edges: Vec<Edge>,
    /// Connection ids by user name.
    connections: BTreeMap<String, BTreeSet<String>>,
}

impl Catalog {
    /// Creates the plane. `object_keys` are the tenants' keys to the object store: each
    /// catalog has a copy of one.
    pub fn new(
        client: Client,
        credentials: Arc<dyn Credentials>,
        object_keys: Arc<dyn Credentials>,
        template: Template,
    ) -> Self {
        Self {
            client,
            credentials,
            object_keys,
            template,
        }
    }

    async fn listing(&self) -> Result<Listing, Error> {
        let client = &self.client;
        let edges = "SELECT FROM_ROLE, TO_ROLE, TO_USER FROM default_catalog.sys.role_edges";
        let (catalogs, roles, users, edges, connections) = tokio::try_join!(
            client.rows("listing catalogs", "SHOW CATALOGS", ["Catalog", "Comment"]),
            client.rows("listing roles", "SHOW ROLES", ["Name"]),
            client.rows("listing users", "SHOW USERS", ["User"]),
            client.rows(
                "listing role grants",
                edges,
                ["FROM_ROLE", "TO_ROLE", "TO_USER"]
            ),
            client.rows(
                "listing connections",
                "SHOW FULL PROCESSLIST",
                ["User", "Id"]
            ),
        )?;
        let mut listing = Listing {
            catalogs: catalogs.into_iter().map(Into::into).collect(),
            roles: roles.into_iter().flatten().collect(),
            users: users.into_iter().flatten().collect(),
            edges: edges.into_iter().map(edge).collect(),
            connections: BTreeMap::new(),
        };
        for [user, id] in connections {
            listing.connections.entry(user).or_default().insert(id);
        }
        Ok(listing)
    }

    async fn held(&self, tenant: &TenantKey, listing: &Listing) -> Result<Held, Error> {
        let name = tenant.id.starrocks_name();
        let identity = user(&name);
        let has_user = listing.users.contains(&identity);
        let (role, user) = (Grantee::Role(name.clone()), Grantee::User(identity));
        let granted_to_role: OptionFuture<_> = listing
            .roles
            .contains(&name)
            .then(|| self.granted_to(&role))
            .into();
        let granted_to_user: OptionFuture<_> = has_user.then(|| self.granted_to(&user)).into();
        let edges = listing.edges.iter();
        let edges =
            edges.filter(|edge| edge.role == name || edge.holder == role || edge.holder == user);
        let connections = listing.connections.get(&name);
        Ok(Held {
            comment: listing.catalogs.get(&tenant.slug.catalog()).cloned(),
            role: granted_to_role.await.transpose()?,
            user: granted_to_user.await.transpose()?,
            edges: edges.cloned().collect(),
            connections: connections
                .filter(|_| !has_user)
                .cloned()
                .unwrap_or_default(),
        })
    }

    async fn granted_to(&self, grantee: &Grantee) -> Result<Privileges, Error> {
        let show = format!("SHOW GRANTS FOR {}", grantee.in_sql());
        let rows = self
            .client
            .rows("listing grants", &show, ["Catalog", "Grants"]);
        Ok(Privileges::parse(&rows.await?))
    }

    async fn catalog(
        &self,
        tenant: &TenantKey,
        comment: Option<&String>,
        key: Option<&Credential>,
    ) -> Result<model::Catalog, Error> {
        let Some(text) = comment else {
            return Ok(model::Catalog::Missing);
        };
        let Some(comment) = Comment::parse(text).filter(|it| it.tenant == tenant.id) else {
            return Ok(model::Catalog::Foreign(text.clone()));
        };
        let desired = key.map(|key| self.template.fill(tenant, &key.password));
        let Some(desired) = desired.filter(|desired| comment.matches(desired)) else {
            return Ok(model::Catalog::Own { current: false });
        };
        let show = format!(
            "SHOW CREATE CATALOG {}",
            quote_identifier(&tenant.slug.catalog())
        );
        let operation = "describing a catalog";
        let shown = self
            .client
            .rows(operation, &show, ["Create Catalog"])
            .await?;
        let current = shown.iter().all(|[shown]| desired.agree_with(shown));
        Ok(model::Catalog::Own { current })
    }

    async fn login(
        &self,
        tenant: &TenantKey,
        credential: Option<&Credential>,
    ) -> Result<Option<Login>, Error> {
        let Some(credential) = credential else {
            return Ok(None);
        };
        let name = tenant.id.starrocks_name();
        let login = self.client.log_in_as(&name, &credential.password).await?;
        Ok(Some(login))
    }

    async fn run(&self, operation: &str, statement: Statement) -> Result<(), Error> {
        self.client
            .run(operation, INTERNAL_CATALOG, &[statement])
            .await
    }

    async fn run_in(
        &self,
        operation: &str,
        all: BTreeMap<String, Vec<Statement>>,
    ) -> Result<(), Error> {
        for (catalog, statements) in all {
            self.client.run(operation, &catalog, &statements).await?;
        }
        Ok(())
    }

    async fn create_catalog(&self, tenant: &TenantKey) -> Result<(), Error> {
        let key = self.object_keys.password(tenant).await?;
        let desired = self.template.fill(tenant, &key);
        let salt = Alphanumeric.sample_string(&mut rand::rng(), SALT_LENGTH);
        let create = format!(
            "CREATE EXTERNAL CATALOG {} COMMENT {} PROPERTIES {}",
            quote_identifier(&tenant.slug.catalog()),
            quote_literal(&Comment::new(tenant.id, &desired, salt).to_string()),
            properties(desired.iter())
        );
        self.run("creating a catalog", Statement::secret(create))
            .await
    }

    /// Runs `CREATE USER … DEFAULT ROLE …`, or `ALTER USER …`, with the Secret's password.
    async fn set_password(&self, tenant: &TenantKey, begin: &str, end: &str) -> Result<(), Error> {
        let password = self.credentials.password(tenant).await?;
        let user = user(&tenant.id.starrocks_name());
        let password = quote_literal(password.expose());
        let statement = format!("{begin} USER {user} IDENTIFIED BY {password}{end}");
        self.run("setting a tenant's password", Statement::secret(statement))
            .await
    }

    async fn kill_connections(&self, tenant: &TenantKey) -> Result<(), Error> {
        let name = tenant.id.starrocks_name();
        let operation = "listing connections";
        let list = self
            .client
            .rows(operation, "SHOW FULL PROCESSLIST", ["User", "Id"]);
        for [user, id] in list.await? {
            if user == name {
                self.client.kill(&id).await?;
            }
        }
        Ok(())
    }
}

fn edge([role, to_role, to_user]: [String; 3]) -> Edge {
    let holder = if to_user.is_empty() {
        Grantee::Role(to_role)
    } else {
        Grantee::User(to_user)
    };
    Edge { role, holder }
}

#[async_trait]
impl Backend for Catalog {
    const NAME: &'static str = "catalog";
    const CONDITION: &'static str = types::CATALOG_READY;

    type Held = Held;
    type Observed = Observed;
    type Step = Step;

    fn name_resources(&self, tenant: &TenantKey, resources: &mut Resources) {
        resources.catalog = Some(CatalogName {
            name: tenant.slug.catalog(),
        });
    }

    /// Runs five statements for all tenants, and two for each tenant's grants. A view of all
    /// grants exists, but to resolve grants on all tables StarRocks asks the metastore of
    /// every catalog: one metastore without an answer would hide the grants of all tenants.
    async fn list(&self, tenants: &[TenantKey]) -> Result<BTreeMap<TenantKey, Held>, Error> {
        let listing = &self.listing().await?;
        let observations = tenants.iter().cloned().map(|tenant| async move {
            let held = self.held(&tenant, listing).await?;
            Ok((tenant, held))
        });
        stream::iter(observations)
            .buffer_unordered(OBSERVE_CONCURRENCY)
            .try_collect()
            .await
    }

    /// StarRocks shows no password, not even a hash: a login proves that it is set.
    async fn observe(
        &self,
        tenant: &TenantKey,
        desired: &Desired,
        held: Held,
    ) -> Result<Observed, Error> {
        if *desired == Desired::Absent {
            return Ok(Observed {
                catalog: self.catalog(tenant, held.comment.as_ref(), None).await?,
                held,
                credential: None,
                has_object_key: false,
                login: None,
            });
        }
        let (credential, key) =
            tokio::try_join!(self.credentials.read(tenant), self.object_keys.read(tenant))?;
        let credential_of_user = credential.as_ref().filter(|_| held.user.is_some());
        let (catalog, login) = tokio::try_join!(
            self.catalog(tenant, held.comment.as_ref(), key.as_ref()),
            self.login(tenant, credential_of_user)
        )?;
        Ok(Observed {
            held,
            catalog,
            credential,
            has_object_key: key.is_some(),
            login,
        })
    }

    /// Role and user are named by the tenant's id, so only the catalog can be foreign. A
    /// foreign catalog prevents access, but not the absence of access.
    fn foreign_owner(
        &self,
        tenant: &TenantKey,
        desired: &Desired,
        observed: &Observed,
    ) -> Option<String> {
        let (model::Catalog::Foreign(comment), Desired::Writable { .. } | Desired::ReadOnly(_)) =
            (&observed.catalog, desired)
        else {
            return None;
        };
        Some(format!(
            "StarRocks: catalog {} doesn't belong to tenant {}: its comment is {comment:?}; drop \
             or rename it, or give the tenant another name",
            tenant.slug.catalog(),
            tenant.slug
        ))
    }

    fn diff(&self, tenant: &TenantKey, desired: &Desired, observed: &Observed) -> Vec<Step> {
        diff(tenant, desired, observed)
    }

    fn effect(step: &Step) -> Effect {
        match step {
            Step::WriteCredential
            | Step::WriteObjectKey
            | Step::CreateCatalog
            | Step::CreateRole => Effect::Neutral,
            Step::Grant(_) | Step::CreateUser | Step::SetPassword | Step::GrantRole => {
                Effect::Opens
            }
            Step::RevokeRole(_)
            | Step::Revoke(..)
            | Step::DropUser
            | Step::KillConnections
            | Step::DropRole
            | Step::DropCatalog => Effect::Closes,
        }
    }

    async fn apply(&self, tenant: &TenantKey, step: &Step) -> Result<(), Error> {
        let name = tenant.id.starrocks_name();
        let (role, user) = (quote_literal(&name), user(&name));
        let run = |operation, text: String| self.run(operation, Statement::plain(text));
        match step {
            Step::RevokeRole(edge) => {
                let (role, holder) = (quote_literal(&edge.role), edge.holder.in_sql());
                run("revoking a role", format!("REVOKE {role} FROM {holder}")).await
            }
            Step::Revoke(grants, from) => {
                let revoke = grants::revoke(grants, from);
                self.run_in("revoking privileges", revoke).await
            }
            Step::DropUser => run("dropping a user", format!("DROP USER IF EXISTS {user}")).await,
            Step::KillConnections => self.kill_connections(tenant).await,
            Step::DropRole => run("dropping a role", format!("DROP ROLE IF EXISTS {role}")).await,
            Step::WriteCredential => self.credentials.write(tenant).await,
            Step::WriteObjectKey => self.object_keys.write(tenant).await,
            Step::DropCatalog => {
                let catalog = quote_identifier(&tenant.slug.catalog());
                run("dropping a catalog", format!("DROP CATALOG {catalog}")).await
            }
            Step::CreateCatalog => self.create_catalog(tenant).await,
            Step::CreateRole => {
                let create = format!("CREATE ROLE IF NOT EXISTS {role}");
                run("creating a role", create).await
            }
            Step::Grant(grants) => {
                let grant = grants::grant(grants, &name);
                self.run_in("granting privileges", grant).await
            }
            Step::CreateUser => {
                let role = format!(" DEFAULT ROLE {role}");
                self.set_password(tenant, "CREATE", &role).await
            }
            Step::SetPassword => self.set_password(tenant, "ALTER", "").await,
            Step::GrantRole => {
                let grant = Statement::plain(format!("GRANT {role} TO USER {user}"));
                let default = Statement::plain(format!("SET DEFAULT ROLE {role} TO {user}"));
                let both = [grant, default];
                let operation = "granting a tenant's role";
                self.client.run(operation, INTERNAL_CATALOG, &both).await
            }
        }
    }
}
