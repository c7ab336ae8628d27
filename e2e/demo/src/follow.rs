//! The progress of a tenant, read from its status.

use std::pin::pin;
use std::time::{Duration, Instant};

use akili_crds::condition::{find, types};
use akili_crds::{Phase, Tenant};
use anyhow::{Context, Result};
use futures::TryStreamExt;
use kube::runtime::watcher::watch_object;
use kube::{Api, Client};

const TIMEOUT: Duration = Duration::from_secs(120);

/// Prints the changes of the tenant's status until it is ACTIVE.
pub async fn until_active(client: Client, slug: &str) -> Result<()> {
    let follow = tokio::time::timeout(TIMEOUT, follow(client, slug)).await;
    follow.with_context(|| {
        format!(
            "tenant {slug} isn't ACTIVE after {TIMEOUT:?}; see `kubectl describe tenant {slug}`"
        )
    })?
}

async fn follow(client: Client, slug: &str) -> Result<()> {
    let began = Instant::now();
    let mut changes = pin!(watch_object(Api::<Tenant>::all(client), slug));
    let mut shown = Vec::new();
    while let Some(tenant) = changes.try_next().await? {
        let Some(status) = tenant.and_then(|tenant| tenant.status) else {
            continue;
        };
        let phase = status.phase.unwrap_or(Phase::Provisioning);
        let conditions = types::PLANES
            .iter()
            .filter_map(|plane| find(&status.conditions, plane));
        let lines = conditions.map(|it| format!("{}={} ({})", it.type_, it.status, it.message));
        for line in lines.chain([format!("STATUS {phase}")]) {
            if !shown.contains(&line) {
                println!("  {:>5.1} s  {line}", began.elapsed().as_secs_f64());
                shown.push(line);
            }
        }
        if phase == Phase::Active {
            return Ok(());
        }
    }
    anyhow::bail!("the API server ended the watch")
}
