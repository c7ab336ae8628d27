//! `akili tenant wait`

use std::pin::pin;
use std::time::Duration;

use akili_crds::{Slug, Tenant};
use clap::Args;
use futures::StreamExt;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};

use super::find::find;
use super::goal::Goal;
use super::progress::Progress;
use crate::failure::Failure;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  akili tenant wait acme-corp --for ACTIVE --timeout 30s\n  akili tenant wait acme-corp --for PURGED --timeout 1h"
)]
pub struct Arguments {
    /// Name of the tenant
    slug: Slug,
    /// Status to wait for, or PURGED: all data of the archived tenant is deleted
    #[arg(long = "for", value_name = "STATUS", value_parser = Goal::parse)]
    goal: Goal,
    /// Maximum time to wait
    #[arg(long, default_value = "2m", value_parser = humantime::parse_duration)]
    timeout: Duration,
}

pub async fn run(arguments: Arguments, client: Client) -> Result<(), Failure> {
    find(&client, &arguments.slug).await?;
    until(&client, &arguments.slug, arguments.goal, arguments.timeout).await
}

/// Waits until the goal is reached, and prints the progress of each plane to stderr.
pub async fn until(
    client: &Client,
    slug: &Slug,
    goal: Goal,
    timeout: Duration,
) -> Result<(), Failure> {
    let mut latest = None;
    match tokio::time::timeout(timeout, follow(client, slug, goal, &mut latest)).await {
        Ok(Ok(())) => {
            println!("tenant {slug} is {goal}");
            Ok(())
        }
        Ok(Err(failure)) => Err(failure),
        Err(_) => Err(late(slug, goal, timeout, latest.as_ref())),
    }
}

fn late(slug: &Slug, goal: Goal, timeout: Duration, latest: Option<&Tenant>) -> Failure {
    let mut message = format!(
        "tenant {slug} isn't {goal} after {}",
        humantime::format_duration(timeout)
    );
    let Some(tenant) = latest else {
        return Failure::timed_out(message)
            .hint("the API server sent no status: check the connection to the cluster");
    };
    for obstacle in goal.obstacles(tenant) {
        message += &format!("\n  {obstacle}");
    }
    Failure::timed_out(message).hint(format!(
        "keep waiting with `akili tenant wait {slug} --for {goal}`"
    ))
}

async fn follow(
    client: &Client,
    slug: &Slug,
    goal: Goal,
    latest: &mut Option<Tenant>,
) -> Result<(), Failure> {
    let tenants: Api<Tenant> = Api::all(client.clone());
    let changes = watcher::watch_object(tenants, slug.as_str()).default_backoff();
    let mut changes = pin!(changes);
    let mut progress = Progress::new();
    while let Some(change) = changes.next().await {
        match change {
            Ok(Some(tenant)) if goal.is_reached(&tenant) => return Ok(()),
            Ok(Some(tenant)) => {
                progress.show(&tenant);
                *latest = Some(tenant);
            }
            Ok(None) => return Err(Failure::failed(format!("tenant {slug} was deleted"))),
            Err(error) => progress.print(&error.to_string()),
        }
    }
    Err(Failure::failed(format!("the watch on tenant {slug} ended")))
}
