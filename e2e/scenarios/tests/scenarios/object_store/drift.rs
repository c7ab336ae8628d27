//! Manual changes are repaired within an audit, and reported in an Event.

use std::time::{Duration, Instant};

use akili_scenarios::platform::{BUCKET, ObjectTenant, Platform, send};
use anyhow::{Context, Result, ensure};
use aws_sdk_s3::error::SdkError;
use serde_json::Value;

/// Longer than an audit and its reconcile.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Makes each change that an admin could make, and checks its repair.
pub async fn ensure_repaired(platform: &Platform, slug: &str, tenant: &ObjectTenant) -> Result<()> {
    let user = &platform.status(slug, "resources.objectStore.user")?;
    let good = held(platform, user).await?;
    let subuser = &format!("{user}:sub");
    let key = good["keys"][0]["access_key"].as_str().context("a key")?;
    for (change, text) in [
        (vec!["user", "suspend"], "resume the object store's user"),
        (
            vec![
                "key",
                "create",
                "--access-key",
                key,
                "--secret-key",
                "by-hand",
            ],
            "set the key of the object store's user from the Secret",
        ),
        (
            vec![
                "key",
                "create",
                "--access-key",
                "extra",
                "--secret-key",
                "by-hand",
            ],
            "remove access key extra from the object store's user",
        ),
        (
            vec![
                "subuser",
                "create",
                "--subuser",
                subuser,
                "--access",
                "full",
            ],
            "remove subuser",
        ),
        (
            vec!["caps", "add", "--caps", "users=read"],
            "remove capability users=read",
        ),
        (
            vec!["user", "modify", "--max-buckets", "5"],
            "repair the object store's user",
        ),
        (
            vec!["user", "modify", "--op-mask", "read"],
            "repair the object store's user",
        ),
    ] {
        let change = [&change[..], &["--uid", user]].concat();
        platform.testbed.radosgw_admin(&change).await?;
        wait_until_repaired(platform, user, &good, &format!("{change:?}")).await?;
        platform.until_event("tenant", slug, text).await?;
    }

    let operator = platform.operators_object_store()?;
    let endpoint = &platform.testbed.object_store().endpoint;
    for (change, text) in [
        (
            "Action=DeleteUserPolicy&PolicyName=akili",
            "allow reading and writing objects",
        ),
        (
            "Action=PutUserPolicy&PolicyName=akili&PolicyDocument=%7B%22Statement%22%3A%5B%5D%7D",
            "allow reading and writing objects",
        ),
        (
            "Action=PutUserPolicy&PolicyName=extra&PolicyDocument=%7B%22Statement%22%3A%5B%5D%7D",
            "remove policy extra",
        ),
    ] {
        let form = format!("{change}&UserName={user}");
        let status = send(&operator, "POST", &format!("{endpoint}/"), &form).await?;
        ensure!(status == 200, "{change}: {status}");
        wait_until_repaired(platform, user, &good, change).await?;
        platform.until_event("tenant", slug, text).await?;
    }

    let marker = format!("{}.akili-tenant", tenant.prefix);
    operator
        .delete_object()
        .bucket(BUCKET)
        .key(&marker)
        .send()
        .await?;
    let began = Instant::now();
    while operator
        .head_object()
        .bucket(BUCKET)
        .key(&marker)
        .send()
        .await
        .is_err()
    {
        ensure!(began.elapsed() < TIMEOUT, "the marker isn't restored");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("the marker is restored after {:?}", began.elapsed());
    let marked = "write the owner marker of the prefix";
    platform.until_event("tenant", slug, marked).await?;

    operator
        .delete_public_access_block()
        .bucket(BUCKET)
        .send()
        .await?;
    let began = Instant::now();
    let closed = "<IgnorePublicAcls>true</IgnorePublicAcls>";
    loop {
        let block = operator
            .get_public_access_block()
            .bucket(BUCKET)
            .send()
            .await;
        // S3's client can't parse the answer, so the body is compared.
        let block = block.as_ref().err().and_then(SdkError::raw_response);
        let block = block.and_then(|answer| answer.body().bytes());
        if block.is_some_and(|block| String::from_utf8_lossy(block).contains(closed)) {
            break;
        }
        ensure!(began.elapsed() < TIMEOUT, "the bucket is still open");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("the bucket is closed after {:?}", began.elapsed());
    Ok(())
}

/// Returns the complete metadata of a user.
async fn held(platform: &Platform, user: &str) -> Result<Value> {
    Ok(platform.object_store_user(user).await?["data"].take())
}

async fn wait_until_repaired(
    platform: &Platform,
    user: &str,
    good: &Value,
    change: &str,
) -> Result<()> {
    let began = Instant::now();
    loop {
        let now = held(platform, user).await?;
        if now == *good {
            println!("repaired after {:?}: {change}", began.elapsed());
            return Ok(());
        }
        ensure!(began.elapsed() < TIMEOUT, "not repaired: {change}: {now}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
