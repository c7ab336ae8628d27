//! `akili quota …`

mod get;
mod set;
mod shown;

use akili_crds::{Slug, TenantQuota};
use clap::Subcommand;
use kube::{Api, Client};

use super::tenant;
use crate::failure::Failure;

/// What can be done with quotas.
#[derive(Subcommand)]
pub enum Command {
    /// Show what a tenant may use, and what it uses
    Get(get::Arguments),
    /// Change what a tenant may use
    Set(set::Arguments),
}

/// Does it.
pub async fn run(command: Command, client: Client) -> Result<(), Failure> {
    match command {
        Command::Get(arguments) => get::run(arguments, client).await,
        Command::Set(arguments) => set::run(arguments, client).await,
    }
}

/// The tenant's quota.
async fn find(client: &Client, slug: &Slug) -> Result<TenantQuota, Failure> {
    let quotas: Api<TenantQuota> = Api::all(client.clone());
    let quota = quotas.get_opt(slug.as_str()).await;
    let quota = quota.map_err(|error| Failure::about_tenant(slug.as_str(), &error))?;
    let Some(quota) = quota else {
        tenant::find(client, slug).await?;
        return Err(
            Failure::not_found(format!("tenant {slug} has no TenantQuota yet")).hint(format!(
                "the operator makes it: `akili tenant wait {slug} --for ACTIVE`"
            )),
        );
    };
    Ok(quota)
}
