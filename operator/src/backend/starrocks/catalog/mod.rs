//! The catalog plane: a tenant's Iceberg catalog, and the role and the user that may use
//! it and nothing else.
//!
//! - [`grants`]: what a tenant may do in it; pure.
//! - [`mod@properties`]: what the catalog is made of, and its mark; pure.
//! - [`diff`]: what is to be done for one tenant; pure.
//!
//! A role has all the privileges and a user the role, so that nothing but the role has to
//! be changed when the tenant's state does. Only the connections of the frontend that the
//! operator talks to are seen, and ended.

pub mod diff;
pub mod grants;
pub mod properties;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use akili_crds::condition::types;
use akili_crds::tenant::{CatalogName, Resources};
use async_trait::async_trait;
use futures::future::OptionFuture;
use futures::stream::{self, StreamExt, TryStreamExt};

use self::diff::{Held, Observed, Step};
use self::grants::{Edge, Grantee};
use self::properties::{Comment, Template};
use super::client::{AT_A_TIME, Client, INTERNAL_CATALOG, Login};
use super::sql::{Statement, identifier, literal, properties, user};
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

/// What StarRocks shows of everybody.
struct Everybody {
    /// Comments by catalog.
    catalogs: BTreeMap<String, String>,
    roles: BTreeSet<String>,
    /// As StarRocks shows them: `'name'@'host'`.
    users: BTreeSet<String>,
    edges: Vec<Edge>,
    /// Numbers of connections by the name of their user.
    connections: BTreeMap<String, BTreeSet<String>>,
}

impl Catalog {
    /// The plane of this StarRocks, where catalogs are made after this template. The
    /// second credentials are those for the object store, of which catalogs have a copy.
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

    async fn everybody(&self) -> Result<Everybody, Error> {
        let client = &self.client;
        let edges = "SELECT FROM_ROLE, TO_ROLE, TO_USER FROM default_catalog.sys.role_edges";
        let (catalogs, roles, users, edges, connections) = tokio::try_join!(
            client.rows("listing catalogs", "SHOW CATALOGS", ["Catalog", "Comment"]),
            client.rows("listing roles", "SHOW ROLES", ["Name"]),
            client.rows("listing users", "SHOW USERS", ["User"]),
            client.rows(
                "listing who has which role",
                edges,
                ["FROM_ROLE", "TO_ROLE", "TO_USER"]
            ),
            client.rows(
                "listing connections",
                "SHOW FULL PROCESSLIST",
                ["User", "Id"]
            ),
        )?;
        let mut everybody = Everybody {
            catalogs: catalogs.into_iter().map(Into::into).collect(),
            roles: roles.into_iter().flatten().collect(),
            users: users.into_iter().flatten().collect(),
            edges: edges.into_iter().map(edge).collect(),
            connections: BTreeMap::new(),
        };
        for [user, id] in connections {
            everybody.connections.entry(user).or_default().insert(id);
        }
        Ok(everybody)
    }

    async fn held(&self, tenant: &TenantKey, everybody: &Everybody) -> Result<Held, Error> {
        let name = tenant.id.starrocks_name();
        let identity = user(&name);
        let has_user = everybody.users.contains(&identity);
        let (role, user) = (Grantee::Role(name.clone()), Grantee::User(identity));
        let granted_to_role: OptionFuture<_> = everybody
            .roles
            .contains(&name)
            .then(|| self.granted_to(&role))
            .into();
        let granted_to_user: OptionFuture<_> = has_user.then(|| self.granted_to(&user)).into();
        let edges = everybody.edges.iter();
        let edges =
            edges.filter(|edge| edge.role == name || edge.holder == role || edge.holder == user);
        let connections = everybody.connections.get(&name);
        Ok(Held {
            comment: everybody.catalogs.get(&tenant.slug.catalog()).cloned(),
            role: granted_to_role.await.transpose()?,
            user: granted_to_user.await.transpose()?,
            edges: edges.cloned().collect(),
            sessions: connections
                .filter(|_| !has_user)
                .cloned()
                .unwrap_or_default(),
        })
    }

    async fn granted_to(&self, grantee: &Grantee) -> Result<grants::Held, Error> {
        let show = format!("SHOW GRANTS FOR {}", grantee.in_sql());
        let rows = self
            .client
            .rows("reading grants", &show, ["Catalog", "Grants"]);
        Ok(grants::Held::read(&rows.await?))
    }

    async fn catalog(
        &self,
        tenant: &TenantKey,
        comment: Option<&String>,
        key: Option<&Credential>,
    ) -> Result<diff::Catalog, Error> {
        let Some(text) = comment else {
            return Ok(diff::Catalog::Missing);
        };
        let Some(comment) = Comment::read(text).filter(|it| it.tenant == tenant.id) else {
            return Ok(diff::Catalog::Another(text.clone()));
        };
        let wanted = key.map(|key| self.template.fill(tenant, &key.password));
        let Some(wanted) = wanted.filter(|wanted| comment.fits(wanted)) else {
            return Ok(diff::Catalog::Own { current: false });
        };
        let show = format!("SHOW CREATE CATALOG {}", identifier(&tenant.slug.catalog()));
        let doing = "looking at a catalog";
        let shown = self.client.rows(doing, &show, ["Create Catalog"]).await?;
        let current = shown.iter().all(|[shown]| wanted.agree_with(shown));
        Ok(diff::Catalog::Own { current })
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

    async fn run(&self, doing: &str, statement: Statement) -> Result<(), Error> {
        self.client.run(doing, INTERNAL_CATALOG, &[statement]).await
    }

    async fn run_in(
        &self,
        doing: &str,
        all: BTreeMap<String, Vec<Statement>>,
    ) -> Result<(), Error> {
        for (catalog, statements) in all {
            self.client.run(doing, &catalog, &statements).await?;
        }
        Ok(())
    }

    async fn create_catalog(&self, tenant: &TenantKey) -> Result<(), Error> {
        let key = self.object_keys.password(tenant).await?;
        let wanted = self.template.fill(tenant, &key);
        let create = format!(
            "CREATE EXTERNAL CATALOG {} COMMENT {} PROPERTIES {}",
            identifier(&tenant.slug.catalog()),
            literal(&Comment::new(tenant.id, &wanted).to_string()),
            properties(wanted.iter())
        );
        self.run("creating a catalog", Statement::secret(create))
            .await
    }

    /// `CREATE USER … DEFAULT ROLE …`, or `ALTER USER …`, with the Secret's password.
    async fn identify(&self, tenant: &TenantKey, begin: &str, end: &str) -> Result<(), Error> {
        let password = self.credentials.password(tenant).await?;
        let who = user(&tenant.id.starrocks_name());
        let word = literal(password.expose());
        let statement = format!("{begin} USER {who} IDENTIFIED BY {word}{end}");
        self.run("setting a tenant's password", Statement::secret(statement))
            .await
    }

    async fn end_connections(&self, tenant: &TenantKey) -> Result<(), Error> {
        let name = tenant.id.starrocks_name();
        let doing = "listing connections";
        let list = self
            .client
            .rows(doing, "SHOW FULL PROCESSLIST", ["User", "Id"]);
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

    /// Five statements for all, and two a tenant for what was granted. There is a view
    /// of all grants, but to say on what a grant on all tables is, StarRocks asks the
    /// metastore of every catalog: one that doesn't answer would hide everybody's.
    async fn list(&self, tenants: &[TenantKey]) -> Result<BTreeMap<TenantKey, Held>, Error> {
        let everybody = &self.everybody().await?;
        let looks = tenants.iter().cloned().map(|tenant| async move {
            let held = self.held(&tenant, everybody).await?;
            Ok((tenant, held))
        });
        stream::iter(looks)
            .buffer_unordered(AT_A_TIME)
            .try_collect()
            .await
    }

    /// StarRocks shows no password, not even hashed: a login proves it.
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

    /// Role and user carry the tenant's id. Another's catalog is in the way of the
    /// tenant's, but not of its having none.
    fn foreign_owner(
        &self,
        tenant: &TenantKey,
        desired: &Desired,
        observed: &Observed,
    ) -> Option<String> {
        let (diff::Catalog::Another(comment), Desired::Writable { .. } | Desired::ReadOnly(_)) =
            (&observed.catalog, desired)
        else {
            return None;
        };
        Some(format!(
            "StarRocks: the catalog {} isn't tenant {}'s: its comment is {comment:?}; drop or \
             rename it, or name the tenant otherwise",
            tenant.slug.catalog(),
            tenant.slug
        ))
    }

    fn diff(&self, tenant: &TenantKey, desired: &Desired, observed: &Observed) -> Vec<Step> {
        diff::diff(tenant, desired, observed)
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
            | Step::EndConnections
            | Step::DropRole
            | Step::DropCatalog => Effect::Closes,
        }
    }

    async fn apply(&self, tenant: &TenantKey, step: &Step) -> Result<(), Error> {
        let name = tenant.id.starrocks_name();
        let (role, user) = (literal(&name), user(&name));
        let run = |doing, text: String| self.run(doing, Statement::open(text));
        match step {
            Step::RevokeRole(edge) => {
                let (what, whom) = (literal(&edge.role), edge.holder.in_sql());
                run("revoking a role", format!("REVOKE {what} FROM {whom}")).await
            }
            Step::Revoke(grants, from) => {
                let revoke = grants::revoke(grants, from);
                self.run_in("revoking privileges", revoke).await
            }
            Step::DropUser => run("dropping a user", format!("DROP USER IF EXISTS {user}")).await,
            Step::EndConnections => self.end_connections(tenant).await,
            Step::DropRole => run("dropping a role", format!("DROP ROLE IF EXISTS {role}")).await,
            Step::WriteCredential => self.credentials.write(tenant).await,
            Step::WriteObjectKey => self.object_keys.write(tenant).await,
            Step::DropCatalog => {
                let catalog = identifier(&tenant.slug.catalog());
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
                self.identify(tenant, "CREATE", &role).await
            }
            Step::SetPassword => self.identify(tenant, "ALTER", "").await,
            Step::GrantRole => {
                let grant = Statement::open(format!("GRANT {role} TO USER {user}"));
                let default = Statement::open(format!("SET DEFAULT ROLE {role} TO {user}"));
                let both = [grant, default];
                let doing = "granting a tenant's role";
                self.client.run(doing, INTERNAL_CATALOG, &both).await
            }
        }
    }
}
