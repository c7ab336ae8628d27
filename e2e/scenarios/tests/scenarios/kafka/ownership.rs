//! Topics that existed before the tenant are foreign until an admin adopts them.

use akili_scenarios::platform::{Platform, tenant_yaml};
use anyhow::{Result, ensure};

pub async fn existing_topics_are_untouched_until_adopted() -> Result<()> {
    let platform = Platform::install().await?;
    let admin = platform.kafka_admin()?;
    let _operator = platform.start_operator().await?;
    admin.clients.create_topic("streams-new.old").await?;
    admin
        .clients
        .produce("streams-new.old", "somebody's")
        .await?;

    platform.apply(&tenant_yaml("streams-new"))?;
    let topics = |field: &str| {
        let query = format!("conditions[?(@.type==\"TopicsReady\")].{field}");
        platform.status("streams-new", &query)
    };
    platform
        .eventually("the topic is reported as foreign", || {
            Ok(topics("reason")? == "OwnedByAnother"
                && platform.reason("streams-new", "PostgresReady")? == "Converged")
        })
        .await?;
    let message = topics("message")?;
    println!("{message}");
    ensure!(message.contains("streams-new.old"), "{message}");
    ensure!(platform.status("streams-new", "phase")? == "PROVISIONING");
    let there = admin.clients.topics()?;
    ensure!(!there.contains("streams-new.events"), "{there:?}");

    let adopt = ["annotate", "tenant", "streams-new", "akili.io/adopt=topics"];
    platform.kubectl(&adopt)?;
    platform.wait_active("streams-new")?;
    ensure!(admin.clients.offsets("streams-new.old")? == [(0, 1)]);
    let tenant = platform.kafka_of("streams-new")?;
    let read = tenant
        .consume("streams-new.old", "streams-new.readers")
        .await?;
    ensure!(read == "somebody's", "{read}");
    Ok(())
}
