//! The inventory of a tenant in every plane, as admins see it: to be compared with the
//! inventory at another time, or to show that nothing is left.

use std::collections::BTreeMap;

use akili_crds::names::LABEL_TENANT_ID;
use akili_operator::backend::TenantKey;
use akili_testbed::digest;
use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::Platform;

/// Kinds inside a tenant's namespace.
const NAMESPACED: &str =
    "secrets,rolebindings,resourcequotas,limitranges,networkpolicies,serviceaccounts";

/// Kinds that carry the tenant's label.
const LABELLED: &str = "namespaces,clusterroles,clusterrolebindings,rolebindings,resourcequotas";

/// Metadata that changes with every write.
const VOLATILE: [&str; 3] = ["managedFields", "resourceVersion", "generation"];

/// A kind of what a tenant has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The row and the write gate in the registry, the role and its memberships. All must
    /// exist.
    Registry,
    /// The role in PostgreSQL.
    Role,
    /// Rows in the tables that tenants share.
    Rows,
    ObjectStoreUser,
    /// Objects with all versions, and unfinished uploads.
    Objects,
    Topics,
    ConsumerGroups,
    /// ACLs and logins in Kafka.
    KafkaAccess,
    /// Catalog, user, role and resource group.
    StarRocks,
    /// Rows in the tables of the tenant's catalog.
    CatalogRows,
    Kubernetes,
}

impl Kind {
    pub const ALL: [Self; 11] = [
        Self::Registry,
        Self::Role,
        Self::Rows,
        Self::ObjectStoreUser,
        Self::Objects,
        Self::Topics,
        Self::ConsumerGroups,
        Self::KafkaAccess,
        Self::StarRocks,
        Self::CatalogRows,
        Self::Kubernetes,
    ];
}

/// Descriptions of what a tenant has, by kind and name. Secrets are hashed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory(BTreeMap<(Kind, String), String>);

impl Inventory {
    /// Returns the number of all entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the number of entries of a kind.
    pub fn count(&self, kind: Kind) -> usize {
        self.0.keys().filter(|(of, _)| *of == kind).count()
    }

    /// Returns the entries of these kinds.
    pub fn only(&self, kinds: &[Kind]) -> Self {
        let entries = self.0.iter().filter(|((of, _), _)| kinds.contains(of));
        Self(
            entries
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        )
    }

    /// Checks that nothing was changed, lost or added.
    ///
    /// # Errors
    /// Names the differences.
    pub fn ensure_unchanged(&self, later: &Self) -> Result<()> {
        let names = self.0.keys().chain(later.0.keys());
        let changed = names.filter(|name| self.0.get(*name) != later.0.get(*name));
        let changed: BTreeMap<_, _> = changed
            .map(|name| (name, [self.0.get(name), later.0.get(name)]))
            .collect();
        ensure!(changed.is_empty(), "before and later: {changed:#?}");
        Ok(())
    }

    fn add(&mut self, kind: Kind, name: impl Into<String>, description: impl Into<String>) {
        self.0.insert((kind, name.into()), description.into());
    }
}

impl Platform {
    /// Returns the tenant's name and the id in its status.
    pub fn key_of(&self, slug: &str) -> Result<TenantKey> {
        Ok(TenantKey {
            slug: slug.parse()?,
            id: self.status(slug, "id")?.parse()?,
        })
    }

    /// Returns what the tenant has of these kinds, whether or not its Tenant exists.
    pub async fn inventory(
        &self,
        tenant: &TenantKey,
        bucket: &str,
        kinds: &[Kind],
    ) -> Result<Inventory> {
        let mut all = Inventory::default();
        for kind in kinds {
            match kind {
                Kind::Registry => self.add_registry(tenant, &mut all)?,
                Kind::Role => self.add_role(tenant, &mut all)?,
                Kind::Rows => self.add_rows(tenant, &mut all)?,
                Kind::ObjectStoreUser => self.add_object_store_user(tenant, &mut all).await,
                Kind::Objects => self.add_objects(tenant, bucket, &mut all).await?,
                Kind::Topics => self.add_topics(tenant, &mut all)?,
                Kind::ConsumerGroups => self.add_groups(tenant, &mut all).await?,
                Kind::KafkaAccess => self.add_kafka_access(tenant, &mut all).await?,
                Kind::StarRocks => self.add_starrocks(tenant, &mut all).await?,
                Kind::CatalogRows => self.add_catalog_rows(tenant, &mut all).await?,
                Kind::Kubernetes => self.add_kubernetes(tenant, &mut all)?,
            }
        }
        Ok(all)
    }

    fn add_registry(&self, tenant: &TenantKey, all: &mut Inventory) -> Result<()> {
        let (id, role) = (tenant.id, tenant.id.postgres_role());
        for (name, sql) in [
            (
                "row in the registry",
                format!("SELECT t FROM akili.tenants t WHERE id = '{id}'"),
            ),
            (
                "write gate",
                format!("SELECT g FROM akili.write_gates g WHERE tenant_id = '{id}'"),
            ),
            (
                "role",
                format!(
                    "SELECT to_jsonb(r) || jsonb_build_object('rolpassword', md5(rolpassword)) \
                     FROM pg_authid r WHERE rolname = '{role}'"
                ),
            ),
            (
                "memberships of the role",
                format!(
                    "SELECT roleid::regrole FROM pg_auth_members \
                     WHERE member = to_regrole('{role}') ORDER BY 1"
                ),
            ),
        ] {
            let found = self.superuser(&sql)?;
            ensure!(!found.is_empty(), "{} has lost its {name}", tenant.slug);
            all.add(Kind::Registry, name, found);
        }
        Ok(())
    }

    fn add_role(&self, tenant: &TenantKey, all: &mut Inventory) -> Result<()> {
        let role = tenant.id.postgres_role();
        let role = self.superuser(&format!(
            "SELECT rolname FROM pg_roles WHERE rolname = '{role}'"
        ))?;
        for role in role.lines() {
            all.add(Kind::Role, role, "exists");
        }
        Ok(())
    }

    fn add_rows(&self, tenant: &TenantKey, all: &mut Inventory) -> Result<()> {
        let id = tenant.id;
        let tables = "SELECT attrelid::regclass FROM pg_attribute JOIN pg_class c ON c.oid = attrelid \
                      WHERE attname = 'tenant_id' AND relkind IN ('r', 'p') \
                      AND relnamespace = 'public'::regnamespace ORDER BY 1";
        for table in self.superuser(tables)?.lines() {
            let rows = self.superuser(&format!(
                "SELECT count(*) || ' rows, hash ' || md5(string_agg(r::text, ' ' ORDER BY r::text)) \
                 FROM {table} r WHERE tenant_id = '{id}' HAVING count(*) > 0"
            ))?;
            if !rows.is_empty() {
                all.add(Kind::Rows, table, rows);
            }
        }
        Ok(())
    }

    async fn add_object_store_user(&self, tenant: &TenantKey, all: &mut Inventory) {
        let user = tenant.id.object_store_user();
        if let Ok(mut metadata) = self.object_store_user(&user).await {
            let metadata = &mut metadata["data"];
            metadata["keys"] = hash(&metadata["keys"]);
            all.add(Kind::ObjectStoreUser, user, metadata.to_string());
        }
    }

    async fn add_objects(
        &self,
        tenant: &TenantKey,
        bucket: &str,
        all: &mut Inventory,
    ) -> Result<()> {
        let operator = self.operators_object_store()?;
        let prefix = tenant.id.object_prefix();
        let list = || {
            let list = operator.list_object_versions();
            list.bucket(bucket).prefix(&prefix)
        };
        let mut page = list().send().await?;
        loop {
            for version in page.versions() {
                let name = format!("{:?} {:?}", version.key(), version.version_id());
                let (hash, time) = (version.e_tag(), version.last_modified());
                all.add(Kind::Objects, name, format!("{hash:?} {time:?}"));
            }
            for marker in page.delete_markers() {
                let name = format!("{:?} {:?}", marker.key(), marker.version_id());
                all.add(Kind::Objects, name, "delete marker");
            }
            if page.is_truncated() != Some(true) {
                break;
            }
            let (key, version) = (page.next_key_marker(), page.next_version_id_marker());
            let next = list().set_key_marker(key.map(str::to_owned));
            let next = next.set_version_id_marker(version.map(str::to_owned));
            page = next.send().await?;
        }
        let uploads = operator.list_multipart_uploads();
        let uploads = uploads.bucket(bucket).prefix(&prefix).send().await?;
        // The gateway may list uploads below other prefixes too.
        let keys = uploads.uploads().iter().filter_map(|upload| upload.key());
        for key in keys.filter(|key| key.starts_with(&prefix)) {
            all.add(Kind::Objects, format!("upload of {key}"), "unfinished");
        }
        Ok(())
    }

    fn add_topics(&self, tenant: &TenantKey, all: &mut Inventory) -> Result<()> {
        let kafka = self.kafka_admin()?.clients;
        let prefix = tenant.slug.topic_prefix();
        for topic in kafka.topics()? {
            if topic.starts_with(&prefix) {
                let offsets = kafka.offsets(&topic)?;
                all.add(Kind::Topics, topic, format!("offsets {offsets:?}"));
            }
        }
        Ok(())
    }

    async fn add_groups(&self, tenant: &TenantKey, all: &mut Inventory) -> Result<()> {
        let prefix = tenant.slug.topic_prefix();
        let groups = self.kafka_admin()?.access.groups().await?;
        for group in groups.into_iter().filter(|it| it.starts_with(&prefix)) {
            all.add(Kind::ConsumerGroups, group, "exists");
        }
        Ok(())
    }

    async fn add_kafka_access(&self, tenant: &TenantKey, all: &mut Inventory) -> Result<()> {
        let access = self.kafka_admin()?.access;
        let user = tenant.id.kafka_user();
        for acl in access.acls(Some(&format!("User:{user}"))).await? {
            all.add(Kind::KafkaAccess, format!("ACL {acl}"), "exists");
        }
        let logins = access.scram_credentials(&[]).await?;
        for (user, logins) in logins.into_iter().filter(|(name, _)| *name == user) {
            all.add(Kind::KafkaAccess, user, format!("{logins:?}"));
        }
        Ok(())
    }

    async fn add_starrocks(&self, tenant: &TenantKey, all: &mut Inventory) -> Result<()> {
        let (catalog, name) = (tenant.slug.catalog(), tenant.id.starrocks_name());
        let mut operator = self.starrocks_of_operator().await?;
        let mut rows: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
        for list in [
            "SHOW CATALOGS",
            "SHOW USERS",
            "SHOW ROLES",
            "SHOW VERBOSE RESOURCE GROUPS ALL",
        ] {
            for row in operator.query(list).await? {
                if row[0] == catalog || row[0].contains(&name) {
                    rows.entry(format!("{list}: {}", row[0]))
                        .or_default()
                        .push(row);
                }
            }
        }
        let has = |list: &str| rows.keys().any(|key| key.starts_with(list));
        for (exists, sql) in [
            (
                has("SHOW CATALOGS"),
                format!("SHOW CREATE CATALOG {catalog}"),
            ),
            (has("SHOW USERS"), format!("SHOW GRANTS FOR USER '{name}'")),
            (has("SHOW ROLES"), format!("SHOW GRANTS FOR ROLE '{name}'")),
        ] {
            if exists {
                let rows = operator.query(&sql).await?;
                all.add(Kind::StarRocks, sql, format!("{rows:?}"));
            }
        }
        for (name, rows) in rows {
            all.add(Kind::StarRocks, name, format!("{rows:?}"));
        }
        Ok(())
    }

    async fn add_catalog_rows(&self, tenant: &TenantKey, all: &mut Inventory) -> Result<()> {
        let catalog = tenant.slug.catalog();
        let mut root = self.starrocks_of_root().await?;
        let databases = format!("SHOW DATABASES FROM {catalog}");
        for database in root.query(&databases).await? {
            let database = format!("{catalog}.{}", database[0]);
            for table in root.query(&format!("SHOW TABLES FROM {database}")).await? {
                let table = format!("{database}.{}", table[0]);
                let rows = root.query(&format!("SELECT * FROM {table}")).await?;
                all.add(Kind::CatalogRows, table, format!("{rows:?}"));
            }
        }
        Ok(())
    }

    fn add_kubernetes(&self, tenant: &TenantKey, all: &mut Inventory) -> Result<()> {
        let label = format!("{LABEL_TENANT_ID}={}", tenant.id);
        let namespace = tenant.id.namespace();
        for get in [
            &["get", LABELLED, "--all-namespaces", "-l", &label][..],
            &["get", NAMESPACED, "-n", &namespace],
        ] {
            let list = self.kubectl(&[get, &["-o", "json"]].concat())?;
            let mut list: Value = serde_json::from_str(&list)?;
            for object in list["items"].as_array_mut().into_iter().flatten() {
                let metadata = &object["metadata"];
                let name = format!(
                    "{} {} {}",
                    object["kind"], metadata["namespace"], metadata["name"]
                );
                all.add(Kind::Kubernetes, name, lasting(object));
            }
        }
        Ok(())
    }
}

/// Returns a Kubernetes object without status and volatile metadata, with hashed secrets.
fn lasting(object: &mut Value) -> String {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|field, _| !VOLATILE.contains(&field.as_str()));
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
