//! Removal of the release and of the custom resource definitions: tenants' data is kept
//! and belongs to them again once everything is reapplied.

use std::time::Instant;

use akili_crds::condition::types;
use akili_operator::backend::TenantKey;
use akili_scenarios::platform::{
    AUDIT_INTERVAL, BUCKET, Inventory, Kind, Platform, object_of, tenant_yaml,
};
use akili_testbed::chart::CHART;
use akili_testbed::command::stderr;
use anyhow::{Context, Result, ensure};
use serde_json::json;

const DEFINITIONS: [&str; 4] = [
    "crd/tenants.akili.io",
    "crd/tenantquotas.akili.io",
    "crd/connections.akili.io",
    "crd/dataproducts.akili.io",
];

/// The tenants, their `spec.state`, and their phase.
const TENANTS: [(&str, &str, &str); 3] = [
    ("acme", "Active", "ACTIVE"),
    ("globex", "Suspended", "SUSPENDED"),
    ("initech", "Archived", "ARCHIVED"),
];

pub async fn deleted_crds_and_release_lose_no_data() -> Result<()> {
    let platform = Platform::install().await?;
    let mut values = platform.values()?;
    values["replicas"] = json!(1);
    platform.install_chart(&values)?;
    platform.wait_rolled_out()?;
    platform.wait_reachable().await?;
    let before = create_tenants(&platform).await?;

    println!("deleting the definitions while the operator runs");
    let leader = platform.leader()?.context("no replica leads")?;
    delete(&platform, &DEFINITIONS[1..])?;
    platform
        .eventually("acme reports why it has no limits", || {
            let message = platform.message("acme", types::READY)?;
            Ok(message.contains("CRD tenantquotas.akili.io"))
        })
        .await?;
    ensure_everything_is_kept(&platform, &before).await?;
    delete(&platform, &DEFINITIONS[..1])?;
    tokio::time::sleep(2 * AUDIT_INTERVAL).await;
    ensure_everything_is_kept(&platform, &before).await?;
    ensure!(platform.leader()? == Some(leader.clone()), "another leads");
    let restarts = platform.restarts_of(&leader)?;
    ensure!(restarts == 0, "the leader was restarted {restarts} times");
    println!("restoring them with helm upgrade");
    platform.install_chart(&values)?;
    ensure_new_tenants_limit_applies(&platform, "hooli").await?;
    reapply(&platform, &before).await?;

    println!("deleting the release and the definitions");
    platform.helm(&["uninstall", "akili-operator", "--wait"])?;
    platform
        .eventually("the operator's pods are deleted", || {
            Ok(platform.pods()?.is_empty())
        })
        .await?;
    delete(&platform, &DEFINITIONS)?;
    ensure_everything_is_kept(&platform, &before).await?;
    println!("restoring them with helm install");
    let file = platform.file("values.json", &values.to_string())?;
    platform.helm(&["install", "akili-operator", CHART, "--values", &file])?;
    ensure_new_tenants_limit_applies(&platform, "umbrella").await?;
    reapply(&platform, &before).await?;
    platform.install_chart(&platform.values()?)
}

/// The inventory of each tenant, in the order of the tenants.
type Before = Vec<(TenantKey, Inventory)>;

/// Creates the tenants with data in every plane, before their state is set.
async fn create_tenants(platform: &Platform) -> Result<Before> {
    platform.superuser(
        "SET client_min_messages = warning;
         DROP TABLE IF EXISTS keepsakes;
         CREATE TABLE keepsakes (tenant_id uuid, what text)",
    )?;
    platform.apply(&quotas())?;
    let mut before = Vec::new();
    for (slug, state, phase) in TENANTS {
        platform.activate(slug)?;
        fill(platform, slug).await?;
        if phase != "ACTIVE" {
            platform.change_state(slug, state, phase).await?;
        }
        let key = platform.key_of(slug)?;
        let inventory = platform.inventory(&key, BUCKET, &Kind::ALL).await?;
        println!(
            "{slug} is {phase} and has {} inventory entries",
            inventory.len()
        );
        before.push((key, inventory));
    }
    Ok(before)
}

async fn fill(platform: &Platform, slug: &str) -> Result<()> {
    let tenant = platform.key_of(slug)?;
    platform.apply(&connection(&tenant, "keepsake"))?;
    let insert = format!("INSERT INTO keepsakes VALUES ('{}', 'a row')", tenant.id);
    platform
        .eventually("the table is open to the tenant", || {
            Ok(platform.as_tenant(slug, &insert)?.status.success())
        })
        .await?;
    let objects = platform.object_store_of(slug)?;
    let put = objects.client.put_object().bucket(objects.bucket);
    let put = put.key(format!("{}keepsake", objects.prefix));
    put.body(b"an object".to_vec().into()).send().await?;
    let kafka = platform.kafka_of(slug)?;
    kafka.create_topic(&format!("{slug}.keepsakes")).await?;
    kafka
        .produce(&format!("{slug}.events"), "a message")
        .await?;
    let catalog = tenant.slug.catalog();
    let mut starrocks = platform.starrocks_of(slug).await?;
    for sql in [
        format!("CREATE DATABASE {catalog}.d"),
        format!("CREATE TABLE {catalog}.d.keepsakes (what STRING)"),
        format!("INSERT INTO {catalog}.d.keepsakes VALUES ('a row')"),
    ] {
        starrocks.query(&sql).await.context(sql)?;
    }
    Ok(())
}

/// Deletes the definitions with all objects of their kinds; policies don't apply to the
/// objects.
fn delete(platform: &Platform, definitions: &[&str]) -> Result<()> {
    let delete = ["delete", "--timeout=30s"];
    platform
        .kubectl(&[&delete[..], definitions].concat())
        .map(drop)
}

async fn ensure_everything_is_kept(platform: &Platform, before: &Before) -> Result<()> {
    for (tenant, inventory) in before {
        let now = platform.inventory(tenant, BUCKET, &Kind::ALL).await?;
        let same = inventory.ensure_unchanged(&now);
        same.with_context(|| format!("{}'s", tenant.slug))?;
    }
    Ok(())
}

/// A new tenant, applied as soon as its definition exists.
async fn ensure_new_tenants_limit_applies(platform: &Platform, slug: &str) -> Result<()> {
    let established = ["wait", "--for=condition=Established", "--timeout=30s"];
    platform.kubectl(&[&established[..], &DEFINITIONS].concat())?;
    let began = Instant::now();
    platform.apply(&quota(slug, 1))?;
    platform.apply(&tenant_yaml(slug))?;
    platform.wait_active(slug)?;
    let active = began.elapsed().as_secs_f64();
    let tenant = platform.key_of(slug)?;
    let create = |name| {
        let file = platform.file("connection.json", &connection(&tenant, name))?;
        platform.try_kubectl(&["create", "-f", &file])
    };
    platform
        .eventually("the new tenant creates its connection", || {
            Ok(create("first")?.status.success())
        })
        .await?;
    // Until the webhook has noticed the first one, the namespace's ResourceQuota rejects.
    let refused = stderr(&create("second")?);
    ensure!(
        refused.contains("has 1/1 connections") || refused.contains("exceeded quota: akili"),
        "{refused}"
    );
    let counts = began.elapsed().as_secs_f64();
    platform
        .eventually("the webhook counts the connection", || {
            Ok(stderr(&create("second")?).contains("has 1/1 connections"))
        })
        .await?;
    let counted = began.elapsed().as_secs_f64();
    println!(
        "{slug} is ACTIVE {active:.1} s after the definitions, its limit counts after {counts:.1} s \
         and is counted by the webhook after {counted:.1} s"
    );
    Ok(())
}

/// Applies the Tenants and quotas again.
async fn reapply(platform: &Platform, before: &Before) -> Result<()> {
    platform.wait_rolled_out()?;
    platform.wait_reachable().await?;
    // Before the Tenants, which would have the default limits otherwise.
    platform.apply(&quotas())?;
    ensure_archived_stays_closed(platform, before).await?;
    platform.apply(&tenants())?;
    for (slug, _, phase) in TENANTS {
        platform.until_reached(slug, phase).await?;
    }
    for (tenant, _) in before {
        let again = platform.key_of(tenant.slug.as_str())?;
        ensure!(again == *tenant, "{tenant:?} became {again:?}");
    }
    ensure_everything_is_kept(platform, before).await?;
    for (slug, _, phase) in TENANTS {
        if phase != "ARCHIVED" {
            platform.wait_until_logins_work(slug).await?;
        }
    }
    let (acme, _) = &before[0];
    platform.apply(&connection(acme, "keepsake"))
}

async fn ensure_archived_stays_closed(platform: &Platform, before: &Before) -> Result<()> {
    platform.apply(&tenant_yaml("initech"))?;
    platform
        .eventually("initech reports that it is archived", || {
            Ok(platform.reason("initech", types::STALLED)? == "TenantArchived")
        })
        .await?;
    ensure!(platform.reason("initech", types::READY)? == "TenantArchived");
    tokio::time::sleep(2 * AUDIT_INTERVAL).await;
    ensure_everything_is_kept(platform, before).await
}

/// Returns the Tenants as kept in Git.
fn tenants() -> String {
    let tenants = TENANTS.map(|(slug, state, _)| tenant_yaml(slug) + "  state: " + state + "\n");
    tenants.join("---\n")
}

/// Returns their quotas as kept in Git, with limits other than the default. The limit of
/// connections is above their number: Kubernetes may count deleted ones until it
/// recounts.
fn quotas() -> String {
    TENANTS.map(|(slug, _, _)| quota(slug, 3)).join("\n---\n")
}

fn quota(slug: &str, connections: u32) -> String {
    let spec = json!({
        "maxConnections": connections, "maxComputeCpu": 3, "maxComputeMemoryGb": 5,
    });
    json!({
        "apiVersion": "akili.io/v1alpha1", "kind": "TenantQuota",
        "metadata": {"name": slug}, "spec": spec,
    })
    .to_string()
}

fn connection(tenant: &TenantKey, name: &str) -> String {
    let mut connection = object_of("Connection", name);
    connection["metadata"]["namespace"] = json!(tenant.id.namespace());
    connection.to_string()
}
