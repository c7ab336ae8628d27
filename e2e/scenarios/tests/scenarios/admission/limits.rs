//! Lowered and raised limits, and deployments above the quota.

use akili_scenarios::platform::Platform;
use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::tenant::{Answer, CONNECTION, PRODUCT, Tenant};

pub async fn changed_limit_applies_at_once_and_deletes_nothing() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    let tenant = Tenant::activate(&platform, "lowered").await?;
    for kind in [PRODUCT, CONNECTION] {
        tenant.make(kind, 5).await?;
        // The webhook counts a moment later; with this limit its answer shows that it has.
        tenant.limit(&json!({kind.limit: 5}))?;
        tenant.until(kind, 429).await?;
        tenant.limit(&json!({kind.limit: 3}))?;
        let answer = tenant.create(kind, "more").await?;
        ensure!(answer.said() == (429, "QuotaExceeded"), "{answer:?}");
        ensure!(answer.message().contains("has 5/3 "), "{answer:?}");
        let changed = tenant
            .change(
                kind,
                "one-0",
                &json!({"metadata": {"labels": {"touched": "yes"}}}),
            )
            .await?;
        ensure!(changed.is_ok(), "{changed:?}");
        let there = tenant.count(kind).await?;
        ensure!(there == 5, "there are {there}");

        tenant.limit(&json!({kind.limit: 6}))?;
        // The namespace's ResourceQuota follows within a reconcile.
        tenant.until(kind, 201).await?;
        let answer = tenant.create(kind, "more").await?;
        ensure!(answer.is_ok(), "{answer:?}");
        tenant.until(kind, 429).await?;
        tenant.limit(&json!({kind.limit: 0}))?;
        let answer = tenant.create(kind, "none-at-all").await?;
        ensure!(answer.message().contains("has 6/0 "), "{answer:?}");
    }
    Ok(())
}

pub async fn pipeline_above_the_quota_is_rejected() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    let tenant = Tenant::activate(&platform, "deployed").await?;
    tenant.make(PRODUCT, 1).await?;
    let deploy = |deployed: bool, cpu: &str, memory: &str| {
        json!({"spec": {"deployed": deployed, "schedule": "0 2 * * *", "pipeline": {
            "image": "example.com/orders:1",
            "resources": {"limits": {"cpu": cpu, "memory": memory}},
        }}})
    };
    for (patch, refusal) in [
        (deploy(false, "12", "64Gi"), None),
        (
            deploy(true, "12", "1Gi"),
            Some("asks for 12 CPU, tenant 'deployed' has 8."),
        ),
        (
            deploy(true, "8", "64Gi"),
            Some("asks for 64 GB of memory, tenant 'deployed' has 32."),
        ),
        (deploy(true, "8", "32Gi"), None),
        (
            deploy(true, "9", "32Gi"),
            Some("asks for 9 CPU, tenant 'deployed' has 8."),
        ),
        (deploy(false, "9", "32Gi"), None),
        // A number is a quantity too.
        (
            json!({"spec": {"deployed": true, "pipeline": {"resources": {"limits": {"cpu": 9}}}}}),
            Some("asks for 9 CPU, tenant 'deployed' has 8."),
        ),
        (
            json!({"spec": {"deployed": true, "pipeline": {"resources": {"limits": {"cpu": 2}}}}}),
            None,
        ),
    ] {
        let answer = tenant.change(PRODUCT, "one-0", &patch).await?;
        is_as_expected(&answer, refusal, &patch)?;
    }
    // Values that the schema rejects.
    for nonsense in [
        json!({"spec": {"deployed": "yes"}}),
        json!({"spec": {"pipeline": 7}}),
        json!({"spec": {"pipeline": {"resources": {"limits": "large"}}}}),
        deploy(true, "lots", "1Gi"),
        deploy(false, "1", "-1Gi"),
    ] {
        let answer = tenant.change(PRODUCT, "one-0", &nonsense).await?;
        ensure!(answer.said() == (422, "Invalid"), "{answer:?}");
    }
    let mut large = PRODUCT.object("large");
    large["spec"] = deploy(true, "12", "1Gi")["spec"].take();
    large["spec"]["namespace"] = json!("sales");
    let answer = tenant.post(PRODUCT, &large, "").await?;
    is_as_expected(&answer, Some("Product 'large' asks for 12 CPU"), &large)
}

fn is_as_expected(answer: &Answer, refusal: Option<&str>, request: &Value) -> Result<()> {
    match refusal {
        None => ensure!(answer.is_ok(), "{request}: {answer:?}"),
        Some(why) => ensure!(
            answer.said() == (429, "QuotaExceeded")
                && answer.message().contains(why)
                && answer.body["details"]["causes"][0]["reason"] == "Compute limit reached",
            "{request}: {answer:?}"
        ),
    }
    Ok(())
}
