//! Manual changes are repaired without a change of the Tenant, and reported in an Event.

use std::time::{Duration, Instant};

use akili_kafka_admin::{
    Acl, Mechanism, Operation, Pattern, Permission, Resource, ScramCredential,
};
use akili_scenarios::platform::{KafkaAdmin, Platform};
use anyhow::{Result, ensure};

use super::user_of;

/// Longer than an audit interval.
const TIMEOUT: Duration = Duration::from_secs(10);

pub async fn manual_change_is_repaired_and_reported() -> Result<()> {
    let platform = Platform::install().await?;
    let admin = platform.kafka_admin()?;
    let _operator = platform.start_operator().await?;
    platform.activate("streams-drift")?;
    // From two tenants on, audits read all tenants together.
    platform.activate("streams-steady")?;
    let user = user_of(&platform, "streams-drift")?;
    let by_hand = |mechanism| ScramCredential {
        mechanism,
        iterations: 4096,
    };
    let access = &admin.access;

    let good = held(&admin, &user).await?;
    let mut acls = access.acls(Some(&format!("User:{user}"))).await?;
    acls.pop_first();
    access.delete_acls(acls).await?;
    ensure_repaired(&admin, &user, &good, "ACLs are removed").await?;

    let extra = Acl {
        resource: Resource::Topic,
        pattern: Pattern::Literal,
        name: "others".to_owned(),
        principal: format!("User:{user}"),
        host: "*".to_owned(),
        operation: Operation::Read,
        permission: Permission::Allow,
    };
    access.create_acls([extra].into()).await?;
    ensure_repaired(&admin, &user, &good, "an ACL is added").await?;

    for mechanism in [Mechanism::Sha256, Mechanism::Sha512] {
        access
            .set_scram_credential(&user, by_hand(mechanism), "by hand")
            .await?;
        ensure_repaired(&admin, &user, &good, "a password is set").await?;
    }
    access
        .delete_scram_credential(&user, Mechanism::Sha256)
        .await?;
    ensure_repaired(&admin, &user, &good, "the login is deleted").await?;

    admin
        .clients
        .delete_topics(&["streams-drift.events"])
        .await?;
    ensure_repaired(&admin, &user, &good, "a base topic is deleted").await?;

    let tenant = platform.kafka_of("streams-drift")?;
    tenant.produce("streams-drift.events", "as before").await?;
    for text in [
        "create ALLOW ACLs: ",
        "delete ALLOW ACLs: Read on Topic others",
        "set the password of Secret akili-kafka",
        "delete the SCRAM-SHA-512 credential",
        "create topic events",
    ] {
        let events = platform.events_of("tenant", "streams-drift", "")?;
        let steps = events
            .iter()
            .filter_map(|it| it.strip_prefix("TopicsReady: "));
        let mut steps = steps.flat_map(|steps| steps.split(", then "));
        ensure!(
            steps.any(|step| step.starts_with(text)),
            "no event says {text}: {events:?}"
        );
    }
    let repaired = platform.events_of("tenant", "streams-drift", ",reason=Repaired")?;
    ensure!(
        repaired
            .iter()
            .any(|note| note == "TopicsReady: create topic events"),
        "not called a repair: {repaired:?}"
    );
    Ok(())
}

/// Returns the tenant's state in Kafka, as the admin sees it.
async fn held(admin: &KafkaAdmin, user: &str) -> Result<String> {
    let acls = admin.access.acls(Some(&format!("User:{user}"))).await?;
    let logins = admin.access.scram_credentials(&[user]).await?;
    let topics = admin.clients.topics()?.contains("streams-drift.events");
    Ok(format!("{acls:?} {logins:?} {topics}"))
}

async fn ensure_repaired(admin: &KafkaAdmin, user: &str, good: &str, after: &str) -> Result<()> {
    // The change may take a moment to become visible.
    let began = Instant::now();
    let mut changed = false;
    loop {
        let now = held(admin, user).await?;
        match (now == good, changed) {
            (true, true) => break,
            (false, _) => changed = true,
            // The repair may have happened between two polls.
            (true, false) if began.elapsed() > TIMEOUT / 2 => break,
            (true, false) => {}
        }
        ensure!(began.elapsed() < TIMEOUT, "{after}: {now} isn't {good}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!(
        "{after}: repaired after {:.1} s",
        began.elapsed().as_secs_f64()
    );
    Ok(())
}
