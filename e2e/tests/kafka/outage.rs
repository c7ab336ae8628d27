//! While Kafka is down the operator starts, the other planes go on, and people hear why
//! this one doesn't.

use akili_e2e::platform::{Platform, tenant_yaml};
use anyhow::{Result, ensure};

#[tokio::test]
async fn while_kafka_is_down_the_others_go_on() -> Result<()> {
    let platform = Platform::install().await?;
    platform.testbed.stop("kafka").await?;
    let _operator = platform.start_operator().await?;
    let file = platform.file("patient.yaml", &tenant_yaml("patient"))?;
    platform.kubectl(&["apply", "-f", &file])?;
    platform
        .eventually("Kafka alone is late", || {
            Ok(platform.reason("patient", "TopicsReady")? == "Unreachable"
                && platform.reason("patient", "PostgresReady")? == "Converged")
        })
        .await?;
    let message = "conditions[?(@.type==\"TopicsReady\")].message";
    let message = platform.status("patient", message)?;
    println!("{message}");
    for word in ["Connection refused", "check kafka.bootstrapServers"] {
        ensure!(message.contains(word), "{message}");
    }

    platform.testbed.start("kafka").await?;
    platform.wait_active("patient")?;
    let tenant = platform.kafka_of("patient")?;
    tenant.produce("patient.events", "late").await?;
    Ok(())
}
