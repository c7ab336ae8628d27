//! The operator with a wrong configuration: it logs the key, stays unready and retries
//! slowly; a working replica isn't replaced by a broken one.

use std::fs;
use std::time::Duration;

use akili_scenarios::platform::Platform;
use akili_testbed::layout;
use anyhow::{Result, ensure};
use serde_json::{Value, json};

/// Observation time of a wrong configuration.
const OBSERVATION: Duration = Duration::from_secs(10);
/// Permitted attempts of each replica meanwhile: one every three seconds, and the first
/// ones.
const MAX_ATTEMPTS: usize = 6;

pub async fn invalid_configuration_is_logged_and_old_replica_stays() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    let worker = platform.leader()?;
    platform.kubectl(&[
        "delete",
        "secret",
        "wrong-password",
        "-n",
        "akili-system",
        "--ignore-not-found",
    ])?;
    platform.of_operator(&[
        "create",
        "secret",
        "generic",
        "wrong-password",
        "--from-literal=password=wrong",
    ])?;

    for (wrong, said) in [
        (
            json!({"postgres": {"passwordSecret": {"name": "nowhere"}}}),
            "configuration key postgres.password",
        ),
        (
            json!({"postgres": {"passwordSecret": {"name": "wrong-password"}}}),
            "check postgres.user and postgres.password",
        ),
        (
            json!({"postgres": {"caSecret": {"name": "nowhere"}}}),
            "configuration key postgres.caFile",
        ),
        (
            json!({"config": {"postgres": {"port": 1}}}),
            "check that the server runs",
        ),
        (
            json!({"config": {"postgres": {"database": "nowhere"}}}),
            "check postgres.database",
        ),
    ] {
        let mut values = platform.values()?;
        values["replicas"] = json!(1);
        merge(&mut values, &wrong);
        platform.install_chart(&values)?;
        platform
            .eventually(&format!("the log reports {said:?} for {wrong}"), || {
                let is_new = |pod: &String| Some(pod) != worker.as_ref();
                let log = |pod: String| platform.of_operator(&["logs", &pod]);
                let new_pods = platform.pods()?.into_iter().filter(is_new);
                // A pod has no log before its start.
                Ok(new_pods.flat_map(log).any(|log| log.contains(said)))
            })
            .await?;
        ensure!(
            platform.leader()? == worker,
            "{wrong}: the working replica is gone"
        );
    }
    platform.activate("made-meanwhile")?;
    platform.install_chart(&platform.values()?)
}

pub async fn unknown_key_is_named_in_the_log() -> Result<()> {
    let platform = Platform::install().await?;
    let installed = r"jsonpath={.data.config\.yaml}";
    let installed =
        platform.of_operator(&["get", "configmap", "akili-operator", "-o", installed])?;
    let unknown = installed.replace("postgres:\n", "postgres:\n  colour: red\n");
    let unknown = json!({"data": {"config.yaml": unknown}}).to_string();
    platform.of_operator(&["patch", "configmap", "akili-operator", "-p", &unknown])?;
    let mut values = platform.values()?;
    platform.of_operator(&["scale", "deployment/akili-operator", "--replicas=1"])?;
    let named = platform
        .eventually("the log names the key", || {
            let log = platform.log().unwrap_or_default();
            Ok(log.contains("configuration key postgres.colour"))
        })
        .await;
    // Helm would see no difference to the last installation and change nothing.
    values["config"]["concurrency"] = json!(4);
    platform.install_chart(&values)?;
    platform.install_chart(&platform.values()?)?;
    named
}

pub async fn wrong_password_is_retried_until_it_is_corrected() -> Result<()> {
    let platform = Platform::install().await?;
    platform.superuser("ALTER ROLE akili_operator PASSWORD 'changed'")?;
    let mut values = platform.values()?;
    values["replicas"] = json!(1);
    platform.install_chart(&values)?;
    platform
        .eventually("the log reports the setting to check", || {
            let log = platform.log().unwrap_or_default();
            Ok(log.contains("check postgres.user and postgres.password"))
        })
        .await?;
    let before = rejected_logins()?;
    tokio::time::sleep(OBSERVATION).await;
    let attempts = rejected_logins()? - before;
    println!("a wrong password: {attempts} logins tried in {OBSERVATION:?}");
    ensure!(
        attempts > 0 && attempts <= MAX_ATTEMPTS,
        "{attempts} attempts in {OBSERVATION:?}"
    );
    ensure!(platform.ready_replicas()? == 0, "a replica is ready");

    platform.bootstrap().await?;
    platform
        .eventually("the replica is ready", || {
            Ok(platform.ready_replicas()? == 1)
        })
        .await?;
    platform.install_chart(&platform.values()?)
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

/// Returns the number of logins with a wrong password in PostgreSQL's log.
fn rejected_logins() -> Result<usize> {
    let log = fs::read_to_string(layout::log_file("postgresql"))?;
    Ok(log
        .matches("password authentication failed for user \"akili_operator\"")
        .count())
}
