//! The lifecycle of a release: tenants survive it, and their access doesn't change.

use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use akili_scenarios::platform::Platform;
use akili_testbed::command::{stderr, stdout};
use anyhow::{Result, ensure};
use serde_json::json;

const TIMEOUT: Duration = Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Objects that outlive the release.
const KEPT: [&str; 12] = [
    "crd/tenants.akili.io",
    "crd/tenantquotas.akili.io",
    "crd/connections.akili.io",
    "crd/dataproducts.akili.io",
    "clusterrole/akili-tenant-reader",
    "clusterrole/akili-tenant-author",
    "clusterrole/akili-tenant-writer",
    "clusterrole/akili-admin",
    "validatingadmissionpolicy/akili-credentials",
    "validatingadmissionpolicy/akili-operator-writes",
    "validatingadmissionpolicy/akili-state",
    "validatingadmissionpolicy/akili-tenant-deletion",
];

pub async fn tenants_survive_upgrade_rollback_and_reinstallation() -> Result<()> {
    let platform = Platform::install().await?;
    let mut values = platform.values()?;
    values["replicas"] = json!(2);
    install(&platform, &values)?;
    platform.activate("acme")?;
    platform.activate("globex")?;
    let tenants =
        platform.kubectl(&["get", "tenants", "-o", "jsonpath={.items[*].metadata.uid}"])?;

    let over = AtomicBool::new(false);
    let watched = thread::scope(|scope| {
        let watching = scope.spawn(|| watch_access(&platform, &over));
        let lived = run_lifecycle(&platform, &values);
        over.store(true, Ordering::Relaxed);
        let watched = watching
            .join()
            .map_err(|_| anyhow::anyhow!("the watch ended early"))?;
        lived.and(watched)
    })?;
    println!("access checked {watched} times meanwhile: always as expected");
    ensure!(watched >= 20, "access was checked only {watched} times");

    let still = platform.kubectl(&["get", "tenants", "-o", "jsonpath={.items[*].metadata.uid}"])?;
    ensure!(tenants == still, "other Tenants: {tenants} and {still}");
    platform.activate("initech")?;
    platform.install_chart(&platform.values()?)
}

fn run_lifecycle(platform: &Platform, values: &serde_json::Value) -> Result<()> {
    let mut changed = values.clone();
    changed["config"]["concurrency"] = json!(2);
    changed["resources"]["requests"]["cpu"] = json!("20m");
    println!("upgrade with other values");
    install(platform, &changed)?;
    println!("rollback");
    platform.helm(&["rollback", "akili-operator"])?;
    platform.wait_rolled_out()?;
    println!("uninstall");
    platform.helm(&["uninstall", "akili-operator", "--wait"])?;
    platform.kubectl(&[&["get"][..], &KEPT].concat())?;
    // Without the operator, a remaining webhook would reject all creations.
    let webhook = ["get", "mutatingwebhookconfiguration", "akili-admission"];
    ensure!(
        !platform.try_kubectl(&webhook)?.status.success(),
        "the webhook still exists"
    );
    // Pods are deleted later than the Deployment, for which Helm waits.
    let began = Instant::now();
    while !platform.pods()?.is_empty() {
        ensure!(began.elapsed() < TIMEOUT, "pods still exist");
        thread::sleep(POLL_INTERVAL);
    }
    println!("install again");
    install(platform, values)
}

fn install(platform: &Platform, values: &serde_json::Value) -> Result<()> {
    platform.install_chart(values)?;
    platform.wait_rolled_out()
}

/// Checks the access of acme's and globex's users until `over`, and returns the number of
/// checks.
fn watch_access(platform: &Platform, over: &AtomicBool) -> Result<usize> {
    let ids = [
        platform.status("acme", "id")?,
        platform.status("globex", "id")?,
    ];
    let login = platform.login_of("acme")?;
    let mut looked = 0;
    while !over.load(Ordering::Relaxed) {
        let logged_in = platform.as_login(&login, "SELECT 1")?;
        ensure!(
            logged_in.status.success(),
            "acme can't log in: {}",
            stderr(&logged_in)
        );
        for (own, there, may) in [(0, 0, true), (0, 1, false), (1, 0, false)] {
            let read = read_secret(platform, &ids[own], &ids[there])?;
            let said = stderr(&read);
            ensure!(
                read.status.success() == may,
                "{own} in {there}: {}{said}",
                stdout(&read)
            );
            ensure!(may || said.contains("Forbidden"), "{said}");
        }
        looked += 1;
        thread::sleep(POLL_INTERVAL);
    }
    Ok(looked)
}

fn read_secret(platform: &Platform, user: &str, owner: &str) -> Result<Output> {
    let secret = ["get", "secret", "akili-postgres", "-o", "name"];
    platform.as_user_of(user, &format!("tenant-{owner}"), &secret)
}
