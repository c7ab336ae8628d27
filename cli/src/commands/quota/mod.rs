//! `akili quota …`: limits and usage of tenants.

mod get;
mod set;

use akili_crds::{Slug, TenantQuota};
use clap::Subcommand;
use kube::{Api, Client};

use crate::failure::Failure;

/// Verbs of quotas.
#[derive(Subcommand)]
pub enum Command {
    /// Show limits and usage of a tenant
    Get(get::Arguments),
    /// Change limits of a tenant
    Set(set::Arguments),
}

impl Command {
    /// Returns true if the answer is printed as JSON.
    pub fn is_json(&self) -> bool {
        matches!(self, Self::Get(arguments) if arguments.is_json())
    }
}

/// Runs the command.
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
