//! One object beyond the limit, and a name that is taken, with every kind of client.

use akili_scenarios::platform::Platform;
use akili_testbed::command::stderr;
use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::tenant::{CONNECTION, Kind, PRODUCT, Tenant};

pub async fn object_beyond_the_limit_is_rejected_for_every_client() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    let tenant = Tenant::activate(&platform, "acme-corp").await?;
    for (kind, limit, detail) in [
        (
            PRODUCT,
            100,
            "Tenant 'acme-corp' has 100/100 products. Delete existing products or request a quota increase.",
        ),
        (
            CONNECTION,
            20,
            "Tenant 'acme-corp' has 20/20 connections. Delete existing connections or request a quota increase.",
        ),
    ] {
        tenant.make(kind, limit).await?;
        tenant.until(kind, 429).await?;
        by_plain_http(&tenant, kind, detail).await?;
        by_kubectl(&tenant, kind, detail)?;
        by_a_bulk_apply(&tenant, kind, detail).await?;
        let count = tenant.count(kind).await?;
        ensure!(count == limit, "there are {count}");
    }
    taken_name_is_not_counted(&tenant).await
}

async fn by_plain_http(tenant: &Tenant<'_>, kind: Kind, detail: &str) -> Result<()> {
    for query in ["", "?dryRun=All"] {
        let answer = tenant.post(kind, &kind.object("more"), query).await?;
        println!(
            "POST {}{query}: {} {}",
            kind.plural, answer.code, answer.body
        );
        let title = format!("{} limit reached", kind.word);
        let expected = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": format!(r#"admission webhook "admission.akili.io" denied the request: {detail}"#),
            "reason": "QuotaExceeded",
            "details": {"causes": [{"reason": title, "message": detail}]},
            "code": 429,
        });
        ensure!(answer.code == 429 && answer.body == expected, "{answer:?}");
        ensure!(!answer.retry_after, "clients would retry");
    }
    Ok(())
}

fn by_kubectl(tenant: &Tenant<'_>, kind: Kind, detail: &str) -> Result<()> {
    let file = tenant
        .platform
        .file("more.json", &kind.object("more").to_string())?;
    for way in [
        &["create", "-f"][..],
        &["apply", "-f"],
        &["apply", "--server-side", "-f"],
        &["create", "--dry-run=server", "-f"],
    ] {
        let answer = tenant.kubectl(&[way, &[&file]].concat())?;
        let said = stderr(&answer);
        println!("kubectl {}: {said}", way.join(" "));
        ensure!(
            !answer.status.success() && said.contains("(QuotaExceeded)") && said.contains(detail),
            "{said}"
        );
    }
    Ok(())
}

/// As a GitOps controller does: most objects exist already, some don't.
async fn by_a_bulk_apply(tenant: &Tenant<'_>, kind: Kind, detail: &str) -> Result<()> {
    let old = (0..10).map(|number| kind.object(&format!("one-{number}")));
    let new = (0..30).map(|number| kind.object(&format!("bulk-{number}")));
    let items: Vec<Value> = old.chain(new).collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    let file = tenant.platform.file("bulk.json", &list.to_string())?;
    let apply = [
        "apply",
        "--server-side",
        "--field-manager=gitops",
        "-f",
        &file,
    ];
    let answer = tenant.kubectl(&apply)?;
    let refused = stderr(&answer).matches(detail).count();
    let applied = akili_testbed::command::stdout(&answer)
        .matches("serverside-applied")
        .count();
    ensure!(
        !answer.status.success() && refused == 30 && applied == 10,
        "{applied} applied, {refused} refused: {}",
        stderr(&answer)
    );
    Ok(())
}

/// The namespace's ResourceQuota would count the rejected object for minutes.
async fn taken_name_is_not_counted(tenant: &Tenant<'_>) -> Result<()> {
    tenant.limit(&json!({"maxProducts": 150, "maxConnections": 50}))?;
    for (kind, there) in [(PRODUCT, "100"), (CONNECTION, "20")] {
        tenant.until(kind, 201).await?;
        for _ in 0..20 {
            let answer = tenant.create(kind, "one-0").await?;
            ensure!(answer.said() == (409, "AlreadyExists"), "{answer:?}");
        }
        let counted = tenant.counted(kind)?;
        ensure!(counted == there, "{counted} are counted, but {there} exist");
        // A deleted object can be created again at once, even if the webhook hasn't
        // noticed the deletion.
        for _ in 0..20 {
            let deleted = tenant.delete(kind, "one-0").await?;
            let made = tenant.create(kind, "one-0").await?;
            ensure!(deleted.is_ok() && made.is_ok(), "{deleted:?}, {made:?}");
        }
    }
    Ok(())
}
