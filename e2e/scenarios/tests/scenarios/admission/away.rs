//! Without the webhook: creations are rejected, and everything else keeps working.

use akili_scenarios::platform::{Platform, WEBHOOK, WEBHOOK_SERVICE};
use akili_testbed::command::{stderr, succeed};
use anyhow::{Result, ensure};
use serde_json::json;

use super::tenant::{CONNECTION, Kind, PRODUCT, Tenant};

pub async fn webhook_down_blocks_creations_only() -> Result<()> {
    let platform = Platform::install().await?;
    let operator = platform.start_operator().await?;
    let tenant = Tenant::activate(&platform, "away").await?;
    let other = Tenant::activate(&platform, "purged").await?;
    for kind in [PRODUCT, CONNECTION] {
        tenant.make(kind, 2).await?;
        other.make(kind, 1).await?;
    }

    operator.stop()?;
    for kind in [PRODUCT, CONNECTION] {
        let made = tenant.create(kind, "new").await?;
        println!(
            "{} without a webhook: {} {}",
            kind.kind,
            made.code,
            made.message()
        );
        ensure!(made.said() == (500, "InternalError"), "{made:?}");
        let changed = json!({"metadata": {"labels": {"touched": "yes"}}});
        let changed = tenant.change(kind, "one-0", &changed).await?;
        ensure!(!changed.is_ok(), "{changed:?}");
        let deleted = tenant.delete(kind, "one-0").await?;
        ensure!(deleted.is_ok(), "{deleted:?}");
    }
    // The operator runs again, but the API server can't reach its webhook.
    let _operator = platform.start_operator().await?;
    platform
        .without(WEBHOOK_SERVICE, async {
            ensure!(
                !tenant.create(PRODUCT, "new").await?.is_ok(),
                "the product was created"
            );
            platform.activate("made-meanwhile")?;
            succeed(&platform.akili(&["tenant", "archive", "purged", "--confirm", "--wait"])?)?;
            succeed(&platform.akili(&["tenant", "purge", "purged", "--confirm"])?)?;
            platform
                .eventually("the namespace and its content are deleted", || {
                    Ok(platform.find("Namespace", "", &other.namespace)?.is_none())
                })
                .await
        })
        .await?;

    tenant.until(PRODUCT, 201).await?;
    for kind in [PRODUCT, CONNECTION] {
        let made = tenant.create(kind, "new").await?;
        ensure!(made.is_ok(), "{made:?}");
    }
    Ok(())
}

pub async fn quota_and_policies_hold_without_the_webhook() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    let tenant = Tenant::activate(&platform, "backstop").await?;
    tenant.limit(&json!({"maxProducts": 2, "maxConnections": 2}))?;
    for kind in [PRODUCT, CONNECTION] {
        // After a changed limit Kubernetes recounts, and may miss objects created
        // meanwhile until the next recount.
        tenant.until_limited(kind, 2).await?;
        tenant.make(kind, 2).await?;
    }
    platform
        .without(WEBHOOK, async {
            for kind in [PRODUCT, CONNECTION] {
                ensure_rejected_by_the_namespace(&tenant, kind).await?;
            }
            Ok(())
        })
        .await?;
    // Without a CA bundle, until the operator restores it.
    tenant.until(PRODUCT, 429).await
}

/// Checks that the namespace's ResourceQuota rejects the object beyond the limit when the
/// webhook isn't called.
async fn ensure_rejected_by_the_namespace(tenant: &Tenant<'_>, kind: Kind) -> Result<()> {
    let file = tenant
        .platform
        .file("more.json", &kind.object("more").to_string())?;
    tenant
        .platform
        .eventually("the namespace's ResourceQuota rejects", || {
            let said = stderr(&tenant.kubectl(&["create", "-f", &file])?);
            Ok(said.contains("(Forbidden)") && said.contains("exceeded quota"))
        })
        .await?;
    let (there, counted) = (tenant.count(kind).await?, tenant.counted(kind)?);
    let word = kind.word;
    ensure!(there == 2, "{word}: {there} exist, {counted} are counted");
    Ok(())
}
