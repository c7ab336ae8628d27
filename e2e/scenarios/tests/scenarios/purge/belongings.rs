//! What a tenant has in each backend, as admins see it.

use std::collections::{BTreeMap, BTreeSet};

use akili_scenarios::platform::Platform;
use anyhow::{Context, Result, ensure};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::BUCKET;

/// What there is, by backend.
pub type List = BTreeMap<&'static str, BTreeSet<String>>;

/// The names that a tenant has, also when it is gone.
pub struct Belongings {
    /// Its id.
    pub id: String,
    slug: String,
}

const TABLES: [&str; 3] = ["purge_customers", "purge_orders", "purge_trees"];

/// Tables of which one refers to another and one to itself.
pub fn make_tables(platform: &Platform) -> Result<()> {
    let sql = "SET client_min_messages = warning;
        DROP TABLE IF EXISTS purge_orders, purge_customers, purge_trees;
        CREATE TABLE purge_customers (tenant_id uuid, n int, PRIMARY KEY (tenant_id, n));
        CREATE TABLE purge_orders (
            tenant_id uuid, n int, customer int, PRIMARY KEY (tenant_id, n),
            FOREIGN KEY (tenant_id, customer) REFERENCES purge_customers);
        CREATE TABLE purge_trees (
            tenant_id uuid, n int, parent int, PRIMARY KEY (tenant_id, n),
            FOREIGN KEY (tenant_id, parent) REFERENCES purge_trees);";
    platform.superuser(sql).map(drop)
}

/// Gives a tenant, with its own logins, something of everything; so many topics.
pub async fn fill(platform: &Platform, slug: &str, topics: usize) -> Result<()> {
    put_objects(platform, slug, 30).await?;
    let objects = platform.object_store_of(slug)?;
    let key = |name: &str| format!("{}{name}", objects.prefix);
    let client = &objects.client;
    client
        .delete_object()
        .bucket(BUCKET)
        .key(key("0"))
        .send()
        .await?;
    client
        .create_multipart_upload()
        .bucket(BUCKET)
        .key(key("unfinished"))
        .send()
        .await?;

    let kafka = platform.kafka_of(slug)?;
    let events = format!("{slug}.events");
    kafka.produce(&events, "something").await?;
    kafka.consume(&events, &format!("{slug}.readers")).await?;
    for topic in 0..topics {
        kafka.create_topic(&format!("{slug}.more-{topic}")).await?;
    }

    let id = platform.status(slug, "id")?;
    let insert = format!(
        "INSERT INTO purge_customers SELECT '{id}', n FROM generate_series(1, 12000) n;
         INSERT INTO purge_orders SELECT '{id}', n, n FROM generate_series(1, 12000) n;
         INSERT INTO purge_trees SELECT '{id}', n, nullif(n - 1, 0) FROM generate_series(1, 50) n"
    );
    platform
        .eventually("the tables are open to the tenant", || {
            Ok(platform.as_tenant(slug, &insert)?.status.success())
        })
        .await
}

/// Puts so many objects below the tenant's prefix, each of them twice.
pub async fn put_objects(platform: &Platform, slug: &str, count: usize) -> Result<()> {
    let objects = &platform.object_store_of(slug)?;
    ensure!(objects.bucket == BUCKET, "{}", objects.bucket);
    let puts = (0..2 * count).map(|n| async move {
        let key = format!("{}{}", objects.prefix, n % count);
        let put = objects.client.put_object().bucket(BUCKET).key(key);
        put.body(b"data".to_vec().into()).send().await.map(drop)
    });
    stream::iter(puts)
        .buffer_unordered(16)
        .try_collect::<()>()
        .await?;
    Ok(())
}

impl Belongings {
    /// Of this tenant.
    pub fn of(platform: &Platform, slug: &str) -> Result<Self> {
        Ok(Self {
            id: platform.status(slug, "id")?,
            slug: slug.to_owned(),
        })
    }

    /// What there is of its data.
    pub async fn data(&self, platform: &Platform) -> Result<List> {
        Ok([
            ("objects", self.objects(platform).await?),
            ("topics", self.topics(platform)?),
            ("rows", self.rows(platform)?),
        ]
        .into())
    }

    /// What there is of it in every backend.
    pub async fn list(&self, platform: &Platform) -> Result<List> {
        let mut all = self.data(platform).await?;
        let hex = self.id.replace('-', "");
        let kafka = platform.kafka_admin()?;
        let groups = kafka.access.groups().await?.into_iter();
        let groups = groups.filter(|it| it.starts_with(&format!("{}.", self.slug)));
        all.insert("groups", groups.collect());
        let principal = format!("User:tenant-{}", self.id);
        let acls = kafka.access.acls(Some(&principal)).await?;
        let acls = acls.iter().map(ToString::to_string);
        let logins = kafka.access.scram_credentials(&[]).await?;
        let logins = logins.into_keys().filter(|user| user.contains(&self.id));
        all.insert("Kafka", acls.chain(logins).collect());
        let role = format!("SELECT rolname FROM pg_roles WHERE rolname = 'tenant_{hex}'");
        all.insert("logins", lines(&platform.superuser(&role)?));
        all.insert("StarRocks", self.in_starrocks(platform, &hex).await?);
        all.insert(
            "users of the object store",
            self.object_user(platform).await,
        );
        all.insert("Kubernetes", self.in_kubernetes(platform)?);
        Ok(all)
    }

    async fn objects(&self, platform: &Platform) -> Result<BTreeSet<String>> {
        let operator = platform.operators_object_store()?;
        let prefix = format!("tenant-{}/", self.id);
        let list = || {
            operator
                .list_object_versions()
                .bucket(BUCKET)
                .prefix(&prefix)
        };
        let mut found = BTreeSet::new();
        let mut page = list().send().await?;
        loop {
            let versions = page.versions().iter().map(|it| (it.key(), it.version_id()));
            let marks = page.delete_markers().iter();
            let marks = marks.map(|it| (it.key(), it.version_id()));
            found.extend(versions.chain(marks).map(|it| format!("{it:?}")));
            if page.is_truncated() != Some(true) {
                break;
            }
            let (key, version) = (page.next_key_marker(), page.next_version_id_marker());
            let next = list().set_key_marker(key.map(str::to_owned));
            let next = next.set_version_id_marker(version.map(str::to_owned));
            page = next.send().await?;
        }
        let uploads = operator
            .list_multipart_uploads()
            .bucket(BUCKET)
            .prefix(&prefix);
        for upload in uploads.send().await?.uploads() {
            found.insert(format!("upload of {:?}", upload.key()));
        }
        Ok(found)
    }

    fn topics(&self, platform: &Platform) -> Result<BTreeSet<String>> {
        let kafka = platform.kafka_admin()?.clients;
        let prefix = format!("{}.", self.slug);
        let topics = kafka.topics()?.into_iter();
        topics
            .filter(|topic| topic.starts_with(&prefix))
            .map(|topic| Ok(format!("{topic} {:?}", kafka.offsets(&topic)?)))
            .collect()
    }

    fn rows(&self, platform: &Platform) -> Result<BTreeSet<String>> {
        let mut found = BTreeSet::new();
        for table in TABLES {
            let count = format!(
                "SELECT count(*) FROM {table} WHERE tenant_id = '{}'",
                self.id
            );
            let count = platform.superuser(&count)?;
            if count.trim() != "0" {
                found.insert(format!("{} rows of {table}", count.trim()));
            }
        }
        Ok(found)
    }

    async fn in_starrocks(&self, platform: &Platform, hex: &str) -> Result<BTreeSet<String>> {
        let mut session = platform.starrocks_of_operator().await?;
        let catalog = format!("tenant_{}_catalog", self.slug.replace('-', "_"));
        let mut found = BTreeSet::new();
        for list in [
            "SHOW CATALOGS",
            "SHOW USERS",
            "SHOW ROLES",
            "SHOW VERBOSE RESOURCE GROUPS ALL",
        ] {
            for row in session.query(list).await? {
                let name = row.first().context("a row without a name")?;
                if *name == catalog || name.contains(hex) {
                    found.insert(format!("{list}: {row:?}"));
                }
            }
        }
        Ok(found)
    }

    async fn object_user(&self, platform: &Platform) -> BTreeSet<String> {
        let user = platform
            .object_store_user(&format!("tenant-{}", self.id))
            .await;
        user.iter()
            .map(|user| user["data"]["user_id"].to_string())
            .collect()
    }

    fn in_kubernetes(&self, platform: &Platform) -> Result<BTreeSet<String>> {
        let mark = format!("akili.io/tenant-id={}", self.id);
        let kinds = "namespaces,clusterroles,clusterrolebindings,rolebindings,resourcequotas";
        let marked = platform.kubectl(&["get", kinds, "-A", "-l", &mark, "-o", "name"])?;
        let namespace = format!("tenant-{}", self.id);
        let secrets = platform.kubectl(&["get", "secrets", "-n", &namespace, "-o", "name"])?;
        Ok(&lines(&marked) | &lines(&secrets))
    }
}

fn lines(text: &str) -> BTreeSet<String> {
    text.lines().map(str::to_owned).collect()
}
