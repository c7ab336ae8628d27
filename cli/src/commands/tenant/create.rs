//! `akili tenant create`

use akili_crds::{Phase, Slug, Tenant, TenantSpec};
use clap::Args;
use kube::Client;
use kube::api::{Api, PostParams};

use super::change::Options;
use super::goal::Goal;
use super::wait;
use crate::commands::FIELD_MANAGER;
use crate::failure::Failure;

#[derive(Args)]
#[command(
    after_help = "Example:\n  akili tenant create acme-corp --display-name \"Acme Corporation\" --wait"
)]
pub struct Arguments {
    /// Name of the tenant: 3 to 63 lower-case letters, digits and hyphens
    slug: Slug,
    /// Display name
    #[arg(long)]
    display_name: String,
    #[command(flatten)]
    options: Options,
}

pub async fn run(arguments: Arguments, client: Client) -> Result<(), Failure> {
    let (slug, options) = (&arguments.slug, &arguments.options);
    let spec = TenantSpec {
        display_name: arguments.display_name,
        state: akili_crds::State::Active,
        retention: None,
        id: None,
    };
    let params = PostParams {
        dry_run: options.dry_run.is_some(),
        field_manager: Some(FIELD_MANAGER.into()),
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
    if options.wait {
        let goal = Goal::Status(Phase::Active);
        wait::until(&client, slug, goal, options.timeout).await?;
    }
    Ok(())
}
