//! What a tenant holds in every plane, as admins see it: to be compared with what it holds
//! at another time.

use std::collections::BTreeMap;

use akili_crds::names::LABEL_TENANT_ID;
use akili_operator::backend::TenantKey;
use anyhow::{Result, ensure};
use mysql_async::Error;
use serde_json::{Value, json};

use super::{BUCKET, Platform};
use akili_testbed::digest;

/// What is inside a tenant's namespace.
const INSIDE: &str =
    "secrets,rolebindings,resourcequotas,limitranges,networkpolicies,serviceaccounts";

/// What of the tenant's is outside.
const OUTSIDE: &str = "namespaces,clusterroles,clusterrolebindings";

/// What the API server notes of every write.
const NOTES: [&str; 3] = ["managedFields", "resourceVersion", "generation"];

/// What each thing is like, by its name. Of what is secret it is a hash.
#[derive(Debug, Default)]
pub struct Possessions(BTreeMap<String, String>);

impl Possessions {
    /// How many things these are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Nothing was changed, nothing was lost, and nothing came.
    ///
    /// # Errors
    /// Names what is different later.
    pub fn are_still(&self, later: &Self) -> Result<()> {
        let names = self.0.keys().chain(later.0.keys());
        let changed = names.filter(|name| self.0.get(*name) != later.0.get(*name));
        let changed: BTreeMap<_, _> = changed
            .map(|name| (name, [self.0.get(name), later.0.get(name)]))
            .collect();
        ensure!(changed.is_empty(), "before and later: {changed:#?}");
        Ok(())
    }

    fn add(&mut self, name: impl Into<String>, like: impl Into<String>) {
        self.0.insert(name.into(), like.into());
    }
}

impl Platform {
    /// The tenant's name and the id that its Tenant tells.
    pub fn key_of(&self, slug: &str) -> Result<TenantKey> {
        Ok(TenantKey {
            slug: slug.parse()?,
            id: self.status(slug, "id")?.parse()?,
        })
    }

    /// What the tenant holds now, whether or not there is a Tenant.
    pub async fn possessions(&self, tenant: &TenantKey) -> Result<Possessions> {
        let mut all = Possessions::default();
        self.add_objects_of_kubernetes(tenant, &mut all)?;
        self.add_rows(tenant, &mut all)?;
        self.add_objects(tenant, &mut all).await?;
        self.add_topics(tenant, &mut all).await?;
        self.add_catalog(tenant, &mut all).await?;
        Ok(all)
    }

    fn add_objects_of_kubernetes(&self, tenant: &TenantKey, all: &mut Possessions) -> Result<()> {
        let marked = format!("{LABEL_TENANT_ID}={}", tenant.id);
        let namespace = tenant.id.namespace();
        for get in [
            ["get", OUTSIDE, "-l", &marked],
            ["get", INSIDE, "-n", &namespace],
        ] {
            let list = self.kubectl(&[&get[..], &["-o", "json"]].concat())?;
            let mut list: Value = serde_json::from_str(&list)?;
            for object in list["items"].as_array_mut().into_iter().flatten() {
                let name = format!("{} {}", object["kind"], object["metadata"]["name"]);
                all.add(name, lasting(object));
            }
        }
        Ok(())
    }

    /// In PostgreSQL, its login too.
    fn add_rows(&self, tenant: &TenantKey, all: &mut Possessions) -> Result<()> {
        let (id, role) = (tenant.id, tenant.id.postgres_role());
        for (name, sql) in [
            (
                "its row in the registry",
                format!("SELECT t FROM akili.tenants t WHERE id = '{id}'"),
            ),
            (
                "its gate for writes",
                format!("SELECT g FROM akili.write_gates g WHERE tenant_id = '{id}'"),
            ),
            (
                "its role",
                format!(
                    "SELECT to_jsonb(r) || jsonb_build_object('rolpassword', md5(rolpassword)) \
                     FROM pg_authid r WHERE rolname = '{role}'"
                ),
            ),
            (
                "its role's memberships",
                format!(
                    "SELECT roleid::regrole FROM pg_auth_members \
                     WHERE member = to_regrole('{role}') ORDER BY 1"
                ),
            ),
        ] {
            let found = self.superuser(&sql)?;
            ensure!(!found.is_empty(), "{} has lost {name}", tenant.slug);
            all.add(name, found);
        }
        let tables = "SELECT attrelid::regclass FROM pg_attribute JOIN pg_class c ON c.oid = attrelid \
                      WHERE attname = 'tenant_id' AND relkind IN ('r', 'p') \
                      AND relnamespace = 'public'::regnamespace ORDER BY 1";
        for table in self.superuser(tables)?.lines() {
            let rows = format!("SELECT r FROM {table} r WHERE tenant_id = '{id}' ORDER BY r::text");
            all.add(format!("rows of {table}"), self.superuser(&rows)?);
        }
        Ok(())
    }

    /// In the object store, its user too.
    async fn add_objects(&self, tenant: &TenantKey, all: &mut Possessions) -> Result<()> {
        let mut user = self
            .object_store_user(&tenant.id.object_store_user())
            .await?;
        let user = &mut user["data"];
        user["keys"] = hash(&user["keys"]);
        all.add("its user of the object store", user.to_string());
        let operator = self.operators_object_store()?;
        let list = operator.list_objects_v2().bucket(BUCKET);
        let page = list.prefix(tenant.id.object_prefix()).send().await?;
        ensure!(page.is_truncated() != Some(true), "too much to compare");
        for object in page.contents() {
            let name = format!("object {:?}", object.key());
            all.add(name, format!("{object:?}"));
        }
        Ok(())
    }

    /// In Kafka, its login and rights too.
    async fn add_topics(&self, tenant: &TenantKey, all: &mut Possessions) -> Result<()> {
        let kafka = self.kafka_admin()?;
        let prefix = tenant.slug.topic_prefix();
        for topic in kafka.clients.topics()? {
            if topic.starts_with(&prefix) {
                let offsets = kafka.clients.offsets(&topic)?;
                all.add(format!("topic {topic}"), format!("{offsets:?}"));
            }
        }
        let user = tenant.id.kafka_user();
        let acls = kafka.access.acls(Some(&format!("User:{user}"))).await?;
        for acl in acls {
            all.add(format!("ACL {acl}"), "is there");
        }
        let logins = kafka.access.scram_credentials(&[&user]).await?;
        all.add("its logins of Kafka", format!("{logins:?}"));
        Ok(())
    }

    /// In StarRocks, its user, role, rights and resource group too.
    async fn add_catalog(&self, tenant: &TenantKey, all: &mut Possessions) -> Result<()> {
        let (catalog, name) = (tenant.slug.catalog(), tenant.id.starrocks_name());
        let mut root = self.starrocks_of_root().await?;
        for sql in [
            format!("SHOW CREATE CATALOG {catalog}"),
            format!("SHOW GRANTS FOR USER '{name}'"),
            format!("SHOW GRANTS FOR ROLE '{name}'"),
        ] {
            let answer = match root.query(&sql).await {
                // One that is archived has no user.
                Err(Error::Server(refusal)) => refusal.message,
                rows => format!("{:?}", rows?),
            };
            all.add(sql, answer);
        }
        let mut groups = root.query("SHOW VERBOSE RESOURCE GROUPS ALL").await?;
        groups.retain(|group| group.contains(&name));
        all.add("its resource group", format!("{groups:?}"));
        for database in root
            .query(&format!("SHOW DATABASES FROM {catalog}"))
            .await?
        {
            let database = format!("{catalog}.{}", database[0]);
            for table in root.query(&format!("SHOW TABLES FROM {database}")).await? {
                let table = format!("{database}.{}", table[0]);
                let rows = root.query(&format!("SELECT * FROM {table}")).await?;
                all.add(format!("rows of {table}"), format!("{rows:?}"));
            }
        }
        Ok(())
    }
}

/// An object of Kubernetes without what is noted of every write, and what the cluster
/// makes of it.
fn lasting(object: &mut Value) -> String {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|field, _| !NOTES.contains(&field.as_str()));
    }
    object["status"].take();
    if object["kind"] == "Secret" {
        object["data"] = hash(&object["data"]);
    }
    object.to_string()
}

fn hash(secret: &Value) -> Value {
    json!(digest(secret.to_string().as_bytes()))
}
