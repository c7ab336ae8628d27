//! What tenants use: counted and measured, shown in their TenantQuotas, and bounded.

pub mod much;
pub mod storage;

use std::time::{Duration, Instant};

use akili_scenarios::platform::{Operator, Platform};
use akili_testbed::command::{stderr, succeed};
use anyhow::{Result, ensure};
use serde_json::{Value, json};

/// How often storage is measured here.
const MEASURE_INTERVAL: Duration = Duration::from_secs(2);

/// The platform with an operator that measures storage all the time.
async fn platform_in_a_hurry(bucket: &str) -> Result<Platform> {
    let platform = Platform::install().await?;
    let mut values = platform.values()?;
    let interval = format!("{}s", MEASURE_INTERVAL.as_secs());
    values["config"]["objectStore"]["measureInterval"] = json!(interval);
    values["config"]["objectStore"]["bucket"] = json!(bucket);
    platform.install_chart(&values)?;
    Ok(platform)
}

/// What is written at this place of a tenant's TenantQuota, such as `.status.used`.
fn quota(platform: &Platform, slug: &str, path: &str) -> Result<String> {
    let query = format!("jsonpath={{{path}}}");
    platform.kubectl(&["get", "tenantquota", slug, "-o", &query])
}

fn set_quota(platform: &Platform, slug: &str, limits: &Value) -> Result<()> {
    platform.patch_spec("tenantquota", slug, limits)
}

fn exceeded(platform: &Platform, slug: &str, field: &str) -> Result<String> {
    let condition = format!(".status.conditions[?(@.type==\"Exceeded\")].{field}");
    quota(platform, slug, &condition)
}

/// The notes of the events of this reason on a tenant's TenantQuota.
fn warnings(platform: &Platform, slug: &str, reason: &str) -> Result<Vec<String>> {
    platform.events_of(
        "tenantquota",
        slug,
        &format!(",type=Warning,reason={reason}"),
    )
}

pub async fn what_a_tenant_has_is_told_within_seconds_and_what_is_too_much_is_kept() -> Result<()> {
    let platform = Platform::install().await?;
    platform.install_chart(&platform.values()?)?;
    let operator = platform.start_operator().await?;
    platform.activate("counted")?;
    let used = |path: &str| quota(&platform, "counted", &format!(".status.used{path}"));
    platform
        .eventually("what a new tenant uses is told", || {
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
        .eventually("products are told", || Ok(used(".products")? == "3"))
        .await?;
    println!("three products are told after {:?}", began.elapsed());
    pods_are_told(&platform, &namespace).await?;

    set_quota(&platform, "counted", &json!({"maxProducts": 2}))?;
    platform
        .eventually("less is allowed than there is", || {
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
    people_look_and_change_it(&platform)?;
    platform
        .eventually("more is allowed", || {
            Ok(exceeded(&platform, "counted", "status")? == "False")
        })
        .await?;
    println!("Exceeded is gone after {:?}", began.elapsed());
    is_warned_of_once(&platform, operator, &product("four")).await
}

/// With `akili`, by which one more product is allowed.
fn people_look_and_change_it(platform: &Platform) -> Result<()> {
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

/// Three of three, then four of four: the second is crossed after a restart.
async fn is_warned_of_once(
    platform: &Platform,
    operator: Operator<'_>,
    another: &str,
) -> Result<()> {
    let told = || warnings(platform, "counted", "UsageAt80Percent");
    ensure!(told()?.is_empty(), "nobody added anything: {:?}", told()?);
    set_quota(platform, "counted", &json!({"maxProducts": 5}))?;
    platform.apply(another)?;
    platform
        .eventually("a level is warned of", || Ok(told()?.len() == 1))
        .await?;
    println!("{}", told()?.join("\n"));
    drop(operator);
    let _operator = platform.start_operator().await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    ensure!(told()?.len() == 1, "it is warned of again: {:?}", told()?);
    Ok(())
}

async fn pods_are_told(platform: &Platform, namespace: &str) -> Result<()> {
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
        .eventually("a pod is told", || pods("0.25", "67108864"))
        .await?;
    let now = "--grace-period=0";
    platform.kubectl(&["delete", "pod", "idle", "-n", namespace, "--force", now])?;
    platform
        .eventually("the pod's end is told", || pods("0", "0"))
        .await
}
