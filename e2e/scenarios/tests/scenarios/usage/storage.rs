//! Storage: objects that count, and writes beyond the limit.

use std::process::Output;
use std::time::{Duration, Instant};

use akili_scenarios::platform::{BUCKET, ObjectTenant, Platform};
use akili_testbed::command::{stderr, succeed};
use anyhow::{Context, Result, bail, ensure};
use aws_sdk_s3::error::ProvideErrorMetadata;
use serde_json::json;

use super::{exceeded, platform_with_short_intervals, quota, set_quota, warnings};

const MIB: usize = 1 << 20;

/// Size of each object in bytes.
const SIZE: usize = 64 * MIB;

/// Copies that together exceed a GB. The gateway stores the data of copies once.
const COPIES: usize = 17;

pub async fn tenant_over_its_storage_limit_can_only_read_and_delete() -> Result<()> {
    let platform = platform_with_short_intervals(BUCKET).await?;
    let _operator = platform.start_operator().await?;
    platform.activate("full")?;
    set_quota(&platform, "full", &json!({"maxStorageGb": 1}))?;
    let tenant = &platform.object_store_of("full")?;
    tenant.fill().await?;

    let began = Instant::now();
    platform
        .eventually("writes are rejected", || {
            Ok(exceeded(&platform, "full", "reason")? == "StorageExceeded"
                && events(&platform)?.contains("allow only reading and deleting objects"))
        })
        .await?;
    println!("writes are rejected after {:?}", began.elapsed());
    println!("{}", exceeded(&platform, "full", "message")?);
    let warned = warnings(&platform, "full", "UsageAt100Percent")?;
    ensure!(warned.len() == 1, "{warned:?}");
    println!("{}", warned.join("\n"));
    println!("{}", platform.kubectl(&["get", "tq"])?);
    for (what, answer) in tenant.write().await {
        ensure!(
            answer.as_deref() == Some("AccessDenied"),
            "{what}: {answer:?}"
        );
    }
    tenant.read().await?;
    let refused = stderr(&deploy(&platform)?);
    println!("{refused}");
    ensure!(
        refused.contains("(QuotaExceeded)") && refused.contains("uses 1.1/1 GB of storage"),
        "{refused}"
    );

    let began = Instant::now();
    for n in 0..2 {
        let delete = tenant.client.delete_object().bucket(&tenant.bucket);
        delete.key(tenant.copy(n)).send().await?;
    }
    platform
        .eventually("writes are accepted", || {
            Ok(exceeded(&platform, "full", "status")? == "False"
                && events(&platform)?.ends_with("allow reading and writing objects\n"))
        })
        .await?;
    println!("writes are accepted after {:?}", began.elapsed());
    for (what, answer) in tenant.write().await {
        ensure!(answer.is_none(), "{what}: {answer:?}");
    }
    succeed(&deploy(&platform)?)?;

    let phase = platform.status("full", "phase")?;
    ensure!(phase == "ACTIVE", "{phase}");
    raised_limit_applies_at_once(&platform, tenant).await
}

/// Creates a DataProduct as one of the tenant's users, with a dry run.
fn deploy(platform: &Platform) -> Result<Output> {
    let product = json!({
        "apiVersion": "akili.io/v1alpha1", "kind": "DataProduct", "metadata": {"name": "orders"},
        "spec": {
            "namespace": "sales", "deployed": true, "schedule": "0 2 * * *",
            "pipeline": {"image": "example.com/orders:1"},
        },
    });
    let file = platform.file("product.json", &product.to_string())?;
    let id = platform.status("full", "id")?;
    let namespace = platform.status("full", "namespace")?;
    let create = ["create", "--dry-run=server", "-f", &file];
    platform.as_user_of(&id, &namespace, &create)
}

/// Any measured size exceeds a limit of zero.
async fn raised_limit_applies_at_once(platform: &Platform, tenant: &ObjectTenant) -> Result<()> {
    set_quota(platform, "full", &json!({"maxStorageGb": 0}))?;
    until(tenant, Some("AccessDenied")).await?;
    let began = Instant::now();
    set_quota(platform, "full", &json!({"maxStorageGb": 2}))?;
    until(tenant, None).await?;
    println!("a raised limit applies after {:?}", began.elapsed());
    Ok(())
}

async fn until(tenant: &ObjectTenant, expected: Option<&str>) -> Result<()> {
    for _ in 0..100 {
        if tenant.put("again").await.as_deref() == expected {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("a put isn't answered {expected:?}")
}

/// Returns the events about the tenant's objects, oldest first.
fn events(platform: &Platform) -> Result<String> {
    let notes = platform.events_of("tenant", "full", "")?.into_iter();
    let of_store = notes.filter(|note| note.starts_with("ObjectStore"));
    Ok(of_store.map(|note| format!("{note}\n")).collect())
}

/// Operations of an ordinary program with the tenant's key.
trait Operations {
    async fn fill(&self) -> Result<()>;
    fn copy(&self, n: usize) -> String;
    async fn put(&self, name: &str) -> Option<String>;
    async fn write(&self) -> [(&'static str, Option<String>); 4];
    async fn read(&self) -> Result<()>;
}

impl Operations for ObjectTenant {
    async fn fill(&self) -> Result<()> {
        let first = self.client.put_object().bucket(&self.bucket);
        let first = first.key(self.copy(0)).body(vec![7; SIZE].into());
        first.send().await?;
        for n in 1..COPIES {
            let copy = self.client.copy_object().bucket(&self.bucket);
            let source = format!("{}/{}", self.bucket, self.copy(0));
            copy.key(self.copy(n)).copy_source(source).send().await?;
        }
        Ok(())
    }

    fn copy(&self, n: usize) -> String {
        format!("{}copy-{n}", self.prefix)
    }

    /// Returns the gateway's error code if it rejects.
    async fn put(&self, name: &str) -> Option<String> {
        let put = self.client.put_object().bucket(&self.bucket);
        let put = put.key(format!("{}{name}", self.prefix)).send().await;
        put.err()
            .map(|error| error.code().unwrap_or("?").to_owned())
    }

    async fn write(&self) -> [(&'static str, Option<String>); 4] {
        let (client, bucket) = (&self.client, &self.bucket);
        let code = |code: Option<&str>| code.unwrap_or("?").to_owned();
        let copy = client.copy_object().bucket(bucket).key(self.copy(99));
        let copy = copy.copy_source(format!("{bucket}/{}", self.copy(9)));
        let copy = copy.send().await.err();
        let upload = client.create_multipart_upload().bucket(bucket);
        let upload = upload.key(self.copy(98)).send().await.err();
        let over = client.put_object().bucket(bucket).key(self.copy(9));
        let over = over.send().await.err();
        [
            ("put", self.put("more").await),
            ("copy", copy.map(|error| code(error.code()))),
            ("upload in parts", upload.map(|error| code(error.code()))),
            ("write over", over.map(|error| code(error.code()))),
        ]
    }

    async fn read(&self) -> Result<()> {
        let get = self.client.get_object().bucket(&self.bucket);
        get.key(self.copy(3)).send().await?;
        let list = self.client.list_objects_v2().bucket(&self.bucket);
        list.prefix(&self.prefix).send().await?;
        Ok(())
    }
}

/// Uses a versioned bucket with an unfinished upload.
pub async fn usage_counts_all_versions_and_unfinished_uploads() -> Result<()> {
    const VERSIONS: &str = "akili-versions";
    const PART: usize = 5 * MIB;
    Platform::install()
        .await?
        .create_versioned_bucket(VERSIONS)
        .await?;
    let platform = platform_with_short_intervals(VERSIONS).await?;
    let _operator = platform.start_operator().await?;
    platform.activate("versions")?;
    let tenant = platform.object_store_of("versions")?;
    let (client, bucket) = (&tenant.client, &tenant.bucket);
    let key = format!("{}object", tenant.prefix);
    for bytes in [1000, 2000] {
        let put = client.put_object().bucket(bucket).key(&key);
        put.body(vec![0; bytes].into()).send().await?;
    }
    let delete = client.delete_object().bucket(bucket).key(&key);
    delete.send().await?;
    let begin = client.create_multipart_upload().bucket(bucket).key(&key);
    let upload = begin.send().await?;
    let upload = upload.upload_id().context("no upload id")?;
    for number in 1..=2 {
        let part = client.upload_part().bucket(bucket).key(&key);
        let part = part.upload_id(upload).part_number(number);
        part.body(vec![0; PART].into()).send().await?;
    }
    let stored = |bytes: usize| {
        let used = quota(&platform, "versions", ".status.used.storageBytes")?;
        Ok(used == bytes.to_string())
    };
    platform
        .eventually("all versions and parts are counted", || {
            stored(3000 + 2 * PART)
        })
        .await?;

    let abort = client.abort_multipart_upload().bucket(bucket).key(&key);
    abort.upload_id(upload).send().await?;
    platform
        .eventually("the aborted upload is no longer counted", || stored(3000))
        .await
}
