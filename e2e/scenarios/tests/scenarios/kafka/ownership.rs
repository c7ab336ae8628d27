//! Topics that were there before the tenant are another's, until an admin says otherwise.

use akili_scenarios::platform::{Platform, tenant_yaml};
use anyhow::{Result, ensure};

pub async fn existing_topics_are_untouched_until_adopted() -> Result<()> {
    let platform = Platform::install().await?;
    let admin = platform.kafka_admin()?;
    let _operator = platform.start_operator().await?;
    admin.clients.create_topic("newcomer.old").await?;
    admin.clients.produce("newcomer.old", "somebody's").await?;

    platform.apply(&tenant_yaml("newcomer"))?;
    let topics = |field: &str| {
        let query = format!("conditions[?(@.type==\"TopicsReady\")].{field}");
        platform.status("newcomer", &query)
    };
    platform
        .eventually("the topic is called another's", || {
            Ok(topics("reason")? == "OwnedByAnother"
                && platform.reason("newcomer", "PostgresReady")? == "Converged")
        })
        .await?;
    let message = topics("message")?;
    println!("{message}");
    ensure!(message.contains("newcomer.old"), "{message}");
    ensure!(platform.status("newcomer", "phase")? == "PROVISIONING");
    let there = admin.clients.topics()?;
    ensure!(!there.contains("newcomer.events"), "{there:?}");

    let adopt = ["annotate", "tenant", "newcomer", "akili.io/adopt=topics"];
    platform.kubectl(&adopt)?;
    platform.wait_active("newcomer")?;
    ensure!(admin.clients.offsets("newcomer.old")? == [(0, 1)]);
    let tenant = platform.kafka_of("newcomer")?;
    let read = tenant.consume("newcomer.old", "newcomer.readers").await?;
    ensure!(read == "somebody's", "{read}");
    Ok(())
}
