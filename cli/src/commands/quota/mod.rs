//! `akili quota`: what tenants may use, and what they use.

mod get;
mod set;

use akili_crds::{Slug, TenantQuota};
use clap::Subcommand;
use kube::{Api, Client};

use crate::failure::Failure;

/// What can be done with quotas.
#[derive(Subcommand)]
pub enum Command {
    /// Show what a tenant may use, and what it uses
    Get(get::Arguments),
    /// Change what a tenant may use
    Set(set::Arguments),
}

impl Command {
    /// Whether the answer is to be JSON.
    pub fn is_json(&self) -> bool {
        matches!(self, Self::Get(arguments) if arguments.is_json())
    }
}

/// Does it.
pub async fn run(command: Command, client: Client) -> Result<(), Failure> {
    match command {
        Command::Get(arguments) => get::run(arguments, client).await,
        Command::Set(arguments) => set::run(arguments, client).await,
    }
}

async fn find(client: &Client, slug: &Slug) -> Result<TenantQuota, Failure> {
    let quotas: Api<TenantQuota> = Api::all(client.clone());
    let found = quotas.get(slug.as_str()).await;
    found.map_err(|error| Failure::about_quota(slug.as_str(), &error))
}
