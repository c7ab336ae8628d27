//! `akili tenant wait`

use std::pin::pin;
use std::time::Duration;

use akili_crds::condition::types;
use akili_crds::{Phase, Slug, Tenant};
use clap::Args;
use futures::{StreamExt, TryStreamExt};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};

use crate::document::Document;
use crate::failure::Failure;

#[derive(Args)]
#[command(after_help = "Example:\n  akili tenant wait acme-corp --for ACTIVE --timeout 30s")]
pub struct Arguments {
    /// The tenant's name
    slug: Slug,
    /// The status to wait for
    #[arg(long = "for", value_name = "STATUS", value_parser = parse_phase)]
    phase: Phase,
    /// How long to wait
    #[arg(long, default_value = "2m", value_parser = humantime::parse_duration)]
    timeout: Duration,
}

fn parse_phase(word: &str) -> Result<Phase, String> {
    Phase::ALL
        .into_iter()
        .find(|phase| phase.as_str().eq_ignore_ascii_case(word))
        .ok_or_else(|| "one of PROVISIONING, ACTIVE, SUSPENDED, ARCHIVED".to_owned())
}

pub async fn run(arguments: Arguments, client: Client) -> Result<(), Failure> {
    super::fetch(&client, &arguments.slug).await?;
    until(&client, &arguments.slug, arguments.phase, arguments.timeout).await
}

/// Waits for the phase, telling on stderr what each plane says meanwhile.
pub async fn until(
    client: &Client,
    slug: &Slug,
    phase: Phase,
    timeout: Duration,
) -> Result<(), Failure> {
    let mut told = Vec::new();
    match tokio::time::timeout(timeout, follow(client, slug, phase, &mut told)).await {
        Ok(Ok(())) => {
            println!("tenant {slug} is {phase}");
            Ok(())
        }
        Ok(Err(failure)) => Err(failure),
        Err(_) => Err(Failure::timed_out(format!(
            "tenant {slug} isn't {phase} after {}",
            humantime::format_duration(timeout)
        ))
        .hint(
            told.last()
                .cloned()
                .unwrap_or_else(|| "is the Akili operator running?".into()),
        )),
    }
}

async fn follow(
    client: &Client,
    slug: &Slug,
    phase: Phase,
    told: &mut Vec<String>,
) -> Result<(), Failure> {
    let tenants: Api<Tenant> = Api::all(client.clone());
    let changes = watcher::watch_object(tenants, slug.as_str()).default_backoff();
    let mut changes = pin!(
        changes
            .inspect_err(|error| eprintln!("{error}"))
            .filter_map(async |c| c.ok())
    );
    while let Some(change) = changes.next().await {
        let Some(tenant) = change else {
            return Err(Failure::failed(format!("tenant {slug} was deleted")));
        };
        let document = Document::new(&tenant, None);
        if document.status == phase {
            return Ok(());
        }
        for condition in &document.conditions {
            let line = format!(
                "{}={} {}: {}",
                condition.type_, condition.status, condition.reason, condition.message
            );
            if condition.type_ != types::READY && !told.contains(&line) {
                eprintln!("{line}");
                told.push(line);
            }
        }
    }
    Err(Failure::failed(format!("the watch on tenant {slug} ended")))
}
