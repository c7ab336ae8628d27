//! `akili tenant …`

mod create;
mod get;
mod list;
mod wait;

use akili_crds::{Slug, Tenant, TenantQuota};
use clap::Subcommand;
use kube::{Api, Client};

use crate::document::Document;
use crate::failure::Failure;

/// What can be done with tenants.
#[derive(Subcommand)]
pub enum Command {
    /// Create a tenant
    Create(create::Arguments),
    /// Show a tenant
    Get(get::Arguments),
    /// Show all tenants
    List(list::Arguments),
    /// Wait until a tenant has reached a status
    Wait(wait::Arguments),
}

/// Does it.
pub async fn run(command: Command, client: Client) -> Result<(), Failure> {
    match command {
        Command::Create(arguments) => create::run(arguments, client).await,
        Command::Get(arguments) => get::run(arguments, client).await,
        Command::List(arguments) => list::run(arguments, client).await,
        Command::Wait(arguments) => wait::run(arguments, client).await,
    }
}

/// The tenant, and what is to be said of it.
async fn fetch(client: &Client, slug: &Slug) -> Result<(Tenant, Document), Failure> {
    let about = |error: kube::Error| Failure::about_tenant(slug.as_str(), &error);
    let tenants: Api<Tenant> = Api::all(client.clone());
    let tenant = tenants.get(slug.as_str()).await.map_err(about)?;
    let quotas: Api<TenantQuota> = Api::all(client.clone());
    let quota = quotas.get_opt(slug.as_str()).await.map_err(about)?;
    let document = Document::new(&tenant, quota.as_ref());
    Ok((tenant, document))
}
