//! `akili tenant create`

use std::time::Duration;

use akili_crds::{Phase, Slug, Tenant, TenantSpec};
use clap::Args;
use kube::Client;
use kube::api::{Api, PostParams};

use super::wait;
use crate::failure::Failure;

#[derive(Args)]
#[command(
    after_help = "Example:\n  akili tenant create acme-corp --display-name \"Acme Corporation\" --wait"
)]
pub struct Arguments {
    /// The tenant's name: 3 to 63 lower-case letters, digits and hyphens
    slug: Slug,
    /// Name for people
    #[arg(long)]
    display_name: String,
    /// Wait until the tenant is ACTIVE
    #[arg(long)]
    wait: bool,
    /// How long to wait
    #[arg(long, default_value = "2m", value_parser = humantime::parse_duration)]
    timeout: Duration,
    /// With `server`: let the API server check everything, and create nothing
    #[arg(long, value_parser = ["server"], conflicts_with = "wait")]
    dry_run: Option<String>,
}

pub async fn run(arguments: Arguments, client: Client) -> Result<(), Failure> {
    let slug = &arguments.slug;
    let spec = TenantSpec {
        display_name: arguments.display_name,
        state: akili_crds::State::Active,
        retention: None,
        id: None,
    };
    let params = PostParams {
        dry_run: arguments.dry_run.is_some(),
        ..PostParams::default()
    };
    let tenants: Api<Tenant> = Api::all(client.clone());
    tenants
        .create(&params, &Tenant::new(slug.as_str(), spec))
        .await
        .map_err(|error| Failure::about_tenant(slug.as_str(), &error))?;
    if params.dry_run {
        println!("tenant {slug} would be created");
        return Ok(());
    }
    println!("tenant {slug} created");
    if arguments.wait {
        wait::until(&client, slug, Phase::Active, arguments.timeout).await?;
    }
    Ok(())
}
