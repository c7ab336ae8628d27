//! `akili quota …`: limits and usage of tenants.

mod find;
mod get;
mod set;

use clap::Subcommand;
use kube::Client;

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
