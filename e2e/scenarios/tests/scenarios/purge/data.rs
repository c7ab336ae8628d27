//! Data of a tenant that is purged.

use akili_scenarios::platform::Platform;
use anyhow::{Result, ensure};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::BUCKET;

/// Creates tables with foreign keys to another table and to the table itself.
pub fn create_tables(platform: &Platform) -> Result<()> {
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

/// Creates data of every kind with the tenant's own logins, with this number of topics.
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

/// Puts `count` objects below the tenant's prefix, each of them twice.
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
