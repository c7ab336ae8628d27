//! Access to the object store, Kafka and StarRocks with the tenant's own credentials.

use akili_scenarios::platform::Platform;
use anyhow::Result;
use aws_sdk_s3::error::DisplayErrorContext;

use crate::table::{Line, permitted, rejected};
use crate::{NEIGHBOUR, TENANT};

/// Writes and lists below the tenant's prefix and the neighbour's.
pub async fn object_store(platform: &Platform) -> Result<Vec<Line>> {
    let (own, other) = (
        platform.object_store_of(TENANT)?,
        platform.object_store_of(NEIGHBOUR)?,
    );
    let put = async |prefix: &str| {
        let object = own.client.put_object().bucket(&own.bucket);
        let answer = object
            .key(format!("{prefix}report.csv"))
            .body(b"1,2,3".to_vec().into());
        answer
            .send()
            .await
            .map_err(|error| DisplayErrorContext(error).to_string())
    };
    let list = async |prefix: &str| {
        let list = own.client.list_objects_v2().bucket(&own.bucket);
        let answer = list.prefix(prefix).send().await;
        let answer = answer.map_err(|error| DisplayErrorContext(error).to_string())?;
        let keys = answer.contents().iter().filter_map(|object| object.key());
        let names: Vec<&str> = keys.filter_map(|key| key.rsplit('/').next()).collect();
        Ok::<_, String>(names.join(", "))
    };
    let plane = "object store";
    Ok(vec![
        permitted(
            plane,
            format!("as {TENANT}: put report.csv"),
            put(&own.prefix).await.map(|_| "done"),
        ),
        permitted(
            plane,
            format!("as {TENANT}: list its prefix"),
            list(&own.prefix).await,
        ),
        rejected(
            plane,
            format!("as {TENANT}: put report.csv below {NEIGHBOUR}'s prefix"),
            put(&other.prefix).await.map(|_| "done"),
            "AccessDenied",
        ),
        rejected(
            plane,
            format!("as {TENANT}: list {NEIGHBOUR}'s prefix"),
            list(&other.prefix).await,
            "AccessDenied",
        ),
    ])
}

/// Produces to and consumes from the tenant's topic, and produces to the neighbour's.
pub async fn kafka(platform: &Platform) -> Result<Vec<Line>> {
    let tenant = platform.kafka_of(TENANT)?;
    let (own, others) = (format!("{TENANT}.events"), format!("{NEIGHBOUR}.events"));
    let produce = async |topic: &str| tenant.produce(topic, "hello").await.map(|()| "done");
    let produced = produce(&own).await;
    // A new group reads from the start of the topic.
    let group = format!("{TENANT}.demo-{}", std::process::id());
    Ok(vec![
        permitted("Kafka", format!("as {TENANT}: produce to {own}"), produced),
        permitted(
            "Kafka",
            format!("as {TENANT}: consume from {own}"),
            tenant.consume(&own, &group).await,
        ),
        rejected(
            "Kafka",
            format!("as {TENANT}: produce to {others}"),
            produce(&others).await,
            "authorization failed",
        ),
    ])
}

/// Shows the tenant's catalogs, enters the neighbour's, and shows the resource group's
/// limits.
pub async fn starrocks(platform: &Platform) -> Result<Vec<Line>> {
    let mut tenant = platform.starrocks_of(TENANT).await?;
    let catalogs = tenant
        .query("SHOW CATALOGS")
        .await
        .map(|rows| column(&rows, 0));
    let others = platform.status(NEIGHBOUR, "resources.catalog.name")?;
    let set = format!("SET CATALOG {others}");
    let entered = tenant.query(&set).await.map(|_| "done");
    let group = platform.status(TENANT, "resources.resourceGroup.name")?;
    let mut operator = platform.starrocks_of_operator().await?;
    let groups = operator.query("SHOW VERBOSE RESOURCE GROUPS ALL").await;
    let limits = groups.map(|rows| {
        let own = rows
            .into_iter()
            .find(|row| row[0] == group)
            .unwrap_or_default();
        format!("cpu_weight {}, mem_limit {}", own[2], own[4])
    });
    let plane = "StarRocks";
    Ok(vec![
        permitted(plane, format!("as {TENANT}: SHOW CATALOGS"), catalogs),
        rejected(
            plane,
            format!("as {TENANT}: {set}"),
            entered,
            "Access denied",
        ),
        permitted(
            plane,
            "its resource group's limits, of 3 × 16 cores and 64 GB".into(),
            limits,
        ),
    ])
}

fn column(rows: &[Vec<String>], column: usize) -> String {
    let values: Vec<&str> = rows.iter().map(|row| row[column].as_str()).collect();
    values.join(", ")
}
