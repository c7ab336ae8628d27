//! Tenants' usage: counted and measured, shown in their TenantQuotas, and limited.

pub mod storage;

use std::time::{Duration, Instant};

use akili_scenarios::platform::{Operator, Platform};
use akili_testbed::command::{stderr, succeed};
use anyhow::{Result, ensure};
use serde_json::{Value, json};

/// Measuring interval of storage in these scenarios.
const MEASURE_INTERVAL: Duration = Duration::from_secs(2);

/// Returns the platform with an operator that measures storage at short intervals.
pub async fn platform_with_short_intervals(bucket: &str) -> Result<Platform> {
    let platform = Platform::install().await?;
    let mut values = platform.values()?;
    let interval = format!("{}s", MEASURE_INTERVAL.as_secs());
    values["config"]["objectStore"]["measureInterval"] = json!(interval);
    values["config"]["objectStore"]["bucket"] = json!(bucket);
    platform.configure(&values)?;
    Ok(platform)
}

/// Returns a field of a tenant's TenantQuota, such as `.status.used`.
pub fn quota(platform: &Platform, slug: &str, path: &str) -> Result<String> {
    platform.field("TenantQuota", "", slug, path)
}

fn set_quota(platform: &Platform, slug: &str, limits: &Value) -> Result<()> {
    platform.patch_spec("tenantquota", slug, limits)
}

fn exceeded(platform: &Platform, slug: &str, field: &str) -> Result<String> {
    let condition = format!(".status.conditions[?(@.type==\"Exceeded\")].{field}");
    quota(platform, slug, &condition)
}

/// Returns the messages of the events of this reason on a tenant's TenantQuota.
fn warnings(platform: &Platform, slug: &str, reason: &str) -> Result<Vec<String>> {
    platform.events_of(
        "tenantquota",
        slug,
        &format!(",type=Warning,reason={reason}"),
    )
}

pub async fn usage_is_reported_within_seconds_and_excess_is_kept() -> Result<()> {
    let platform = Platform::install().await?;
    platform.configure(&platform.values()?)?;
    let operator = platform.start_operator().await?;
    platform.activate("counted")?;
    let used = |path: &str| quota(&platform, "counted", &format!(".status.used{path}"));
    platform
        .eventually("the usage of a new tenant is reported", || {
            Ok(used(".products")? == "0"
                && used(".storageBytes")? == "0"
                && used(".pods.cpu")? == "0"
                && used(".queries.cpu")? == "0")
        })
        .await?;

    let namespace = platform.status("counted", "namespace")?;
    let product = |name: &str| {
        format!(
            "apiVersion: akili.io/v1alpha1\nkind: DataProduct\nmetadata: {{name: {name}, \
             namespace: {namespace}}}\nspec: {{namespace: sales}}\n"
        )
    };
    let products: Vec<String> = ["one", "two", "three"].map(product).into();
    platform.apply(&products.join("---\n"))?;
    let began = Instant::now();
    platform
        .eventually("products are counted", || Ok(used(".products")? == "3"))
        .await?;
    println!("three products are counted after {:?}", began.elapsed());
    ensure_pods_are_counted(&platform, &namespace).await?;

    set_quota(&platform, "counted", &json!({"maxProducts": 2}))?;
    platform
        .eventually("the usage exceeds the limit", || {
            Ok(exceeded(&platform, "counted", "reason")? == "ProductsExceeded")
        })
        .await?;
    println!("{}", exceeded(&platform, "counted", "message")?);
    println!("{}", platform.kubectl(&["get", "tq", "-o", "wide"])?);
    let there = ["get", "dataproducts", "-n", &namespace, "-o", "name"];
    ensure!(
        platform.kubectl(&there)?.lines().count() == 3,
        "a product is lost"
    );

    let began = Instant::now();
    show_and_change_with_cli(&platform)?;
    platform
        .eventually("the usage is within the limit", || {
            Ok(exceeded(&platform, "counted", "status")? == "False")
        })
        .await?;
    println!("Exceeded is false after {:?}", began.elapsed());
    ensure_warned_once(&platform, operator, &product("four")).await
}

/// Shows and changes the quota with `akili`, to permit one more product.
fn show_and_change_with_cli(platform: &Platform) -> Result<()> {
    let look = platform.akili(&["quota", "get", "counted"])?;
    println!("{}{}", succeed(&look)?, stderr(&look));
    ensure!(stderr(&look).contains("has 3/2 products"), "{look:?}");
    let set = ["quota", "set", "counted", "--max-products=3"];
    let dry = platform.akili(&[&set[..], &["--dry-run=server"]].concat())?;
    println!("{}", succeed(&dry)?);
    ensure!(quota(platform, "counted", ".spec.maxProducts")? == "2");
    println!("{}", succeed(&platform.akili(&set)?)?);
    let json = platform.akili(&["tenant", "get", "counted", "--json"])?;
    let json: Value = serde_json::from_str(&succeed(&json)?)?;
    ensure!(json["quota"]["max_products"] == 3, "{json}");
    ensure!(json["usage"]["products"] == 3, "{json}");
    ensure!(json["usage"]["queries"]["memory_bytes"] == 0, "{json}");
    let nobody = platform.akili(&["quota", "get", "nobody"])?;
    ensure!(nobody.status.code() == Some(3), "{}", stderr(&nobody));
    Ok(())
}

/// Adds products up to three of three, then four of four; the second level is crossed
/// after a restart.
async fn ensure_warned_once(
    platform: &Platform,
    operator: Operator<'_>,
    another: &str,
) -> Result<()> {
    let notes = || warnings(platform, "counted", "UsageAt80Percent");
    ensure!(
        notes()?.is_empty(),
        "a warning without an addition: {:?}",
        notes()?
    );
    set_quota(platform, "counted", &json!({"maxProducts": 5}))?;
    platform
        .eventually("the new limit permits another product", || {
            Ok(platform.apply(another).is_ok())
        })
        .await?;
    platform
        .eventually("the level is reported once", || Ok(notes()?.len() == 1))
        .await?;
    println!("{}", notes()?.join("\n"));
    drop(operator);
    let _operator = platform.start_operator().await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    ensure!(
        notes()?.len() == 1,
        "the level is reported again: {:?}",
        notes()?
    );
    Ok(())
}

async fn ensure_pods_are_counted(platform: &Platform, namespace: &str) -> Result<()> {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "idle", "namespace": namespace},
        "spec": {
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": 1000,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [{
                "name": "idle",
                "image": platform.testbed.busybox_image(),
                "args": ["sleep", "600"],
                "resources": {"limits": {"cpu": "250m", "memory": "64Mi"}},
                "securityContext": {
                    "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]},
                },
            }],
        },
    });
    platform.apply(&pod.to_string())?;
    let pods = |cpu: &str, memory: &str| {
        let used = |what: &str| quota(platform, "counted", &format!(".status.used.pods.{what}"));
        Ok(used("cpu")? == cpu && used("memoryBytes")? == memory)
    };
    platform
        .eventually("the pod is counted", || pods("0.25", "67108864"))
        .await?;
    let now = "--grace-period=0";
    platform.kubectl(&["delete", "pod", "idle", "-n", namespace, "--force", now])?;
    platform
        .eventually("the ended pod is no longer counted", || pods("0", "0"))
        .await
}
