//! The tenant suspended and reactivated, with reads and writes in every plane.

use std::fmt::Display;
use std::process::Output;

use akili_scenarios::platform::Platform;
use akili_testbed::command::{stderr, succeed};
use anyhow::Result;
use aws_sdk_s3::error::DisplayErrorContext;

use crate::table::{Line, permitted, rejected, show};
use crate::{TENANT, akili};

const CONNECTION: &str = "\
apiVersion: akili.io/v1alpha1
kind: Connection
metadata: {name: warehouse}
spec: {connectorType: kafka, config: {bootstrapServers: \"kafka.example.com:9093\"}}
";

/// Suspends the tenant, shows what still works and what is rejected, and reactivates it.
///
/// # Errors
/// If an operation has an unexpected result.
pub async fn suspend_and_reactivate(platform: &Platform) -> Result<()> {
    akili(
        platform,
        &["tenant", "suspend", TENANT, "--confirm", "--wait"],
    )?;
    let mut lines = reads(platform).await?;
    for (plane, asked, answer, rejection) in writes(platform).await? {
        lines.push(rejected(plane, asked, answer, rejection));
    }
    show(&lines)?;

    akili(platform, &["tenant", "reactivate", TENANT, "--wait"])?;
    let written = writes(platform).await?.into_iter();
    let lines: Vec<Line> = written
        .map(|(plane, asked, answer, _)| permitted(plane, asked, answer))
        .collect();
    show(&lines)
}

/// Reactivates the tenant if an earlier demonstration was interrupted while it was
/// suspended.
pub fn undo_suspension(platform: &Platform) -> Result<()> {
    let state = ["get", "tenant", TENANT, "-o", "jsonpath={.spec.state}"];
    if platform.kubectl(&state)? == "Suspended" {
        akili(platform, &["tenant", "reactivate", TENANT])?;
    }
    Ok(())
}

/// Reads the tenant's data in every plane.
async fn reads(platform: &Platform) -> Result<Vec<Line>> {
    let rows = platform.as_tenant(TENANT, "SELECT item FROM orders")?;
    let objects = platform.object_store_of(TENANT)?;
    let get = objects.client.get_object().bucket(&objects.bucket);
    let got = get
        .key(format!("{}report.csv", objects.prefix))
        .send()
        .await;
    // A new group reads from the start of the topic.
    let group = format!("{TENANT}.suspended-{}", std::process::id());
    let events = format!("{TENANT}.events");
    let consumed = platform.kafka_of(TENANT)?.consume(&events, &group).await;
    let databases = format!("SHOW DATABASES FROM {}", catalog(platform)?);
    let listed = platform.starrocks_of(TENANT).await?.query(&databases).await;
    Ok(vec![
        permitted(
            "PostgreSQL",
            "SELECT item FROM orders".into(),
            succeed(&rows).map(|rows| rows.trim().to_owned()),
        ),
        permitted("object store", "get report.csv".into(), got.map(|_| "done")),
        permitted("Kafka", format!("consume from {events}"), consumed),
        permitted("StarRocks", databases, listed.map(|_| "done")),
    ])
}

/// The plane, the attempted write, its result, and a word of the expected rejection.
type WriteAttempt = (
    &'static str,
    String,
    Result<&'static str, String>,
    &'static str,
);

/// Attempts a write in every plane.
async fn writes(platform: &Platform) -> Result<Vec<WriteAttempt>> {
    let id = platform.status(TENANT, "id")?;
    let insert = format!("INSERT INTO orders VALUES ('{id}', 'one more')");
    let inserted = platform.as_tenant(TENANT, &insert)?;
    let objects = platform.object_store_of(TENANT)?;
    let put = objects.client.put_object().bucket(&objects.bucket);
    let put = put.key(format!("{}more.csv", objects.prefix)).send().await;
    let put = put.map_err(|error| DisplayErrorContext(error).to_string());
    let events = format!("{TENANT}.events");
    let produced = platform.kafka_of(TENANT)?.produce(&events, "more").await;
    let create = format!("CREATE DATABASE IF NOT EXISTS {}.demo", catalog(platform)?);
    let created = platform.starrocks_of(TENANT).await?.query(&create).await;
    let namespace = platform.status(TENANT, "namespace")?;
    let connection = platform.file("connection.yaml", CONNECTION)?;
    let create_connection = ["create", "--dry-run=server", "-f", &connection];
    let made = platform.as_user_of(&id, &namespace, &create_connection)?;
    Ok(vec![
        (
            "PostgreSQL",
            "INSERT INTO orders".into(),
            outcome(&inserted),
            "is suspended",
        ),
        (
            "object store",
            "put more.csv".into(),
            done(put),
            "AccessDenied",
        ),
        (
            "Kafka",
            format!("produce to {events}"),
            done(produced),
            "authorization failed",
        ),
        ("StarRocks", create, done(created), "Access denied"),
        (
            "Kubernetes",
            "as its user: create a Connection".into(),
            outcome(&made),
            "TenantSuspended",
        ),
    ])
}

/// Returns the result of a program in one line.
fn outcome(answer: &Output) -> Result<&'static str, String> {
    if answer.status.success() {
        return Ok("done");
    }
    Err(stderr(answer).lines().next().unwrap_or_default().to_owned())
}

fn done<T, E: Display>(answer: Result<T, E>) -> Result<&'static str, String> {
    let answer = answer.map_err(|error| error.to_string());
    answer.map(|_| "done")
}

fn catalog(platform: &Platform) -> Result<String> {
    platform.status(TENANT, "resources.catalog.name")
}
