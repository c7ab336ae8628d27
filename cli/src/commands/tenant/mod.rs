//! `akili tenant …`

mod archive;
mod change;
mod create;
mod find;
mod get;
mod goal;
mod list;
mod progress;
mod purge;
mod reactivate;
mod suspend;
mod wait;

use clap::Subcommand;
use kube::Client;

use crate::failure::Failure;
use crate::output::Form;

/// Verbs of tenants.
#[derive(Subcommand)]
pub enum Command {
    /// Create a tenant
    Create(create::Arguments),
    /// Show a tenant
    Get(get::Arguments),
    /// List tenants
    List(list::Arguments),
    /// Make a tenant read-only in every plane
    Suspend(suspend::Arguments),
    /// Reactivate a suspended tenant
    Reactivate(reactivate::Arguments),
    /// Revoke all access to a tenant permanently; its data is kept for the retention
    Archive(archive::Arguments),
    /// Delete all data of an archived tenant now
    Purge(purge::Arguments),
    /// Wait until a tenant reaches a status
    Wait(wait::Arguments),
}

impl Command {
    /// Returns true if the answer is printed as JSON.
    pub fn is_json(&self) -> bool {
        let output = match self {
            Self::Get(arguments) => &arguments.output,
            Self::List(arguments) => &arguments.output,
            _ => return false,
        };
        output.form() == Some(Form::Json)
    }
}

/// Runs the command.
pub async fn run(command: Command, client: Client) -> Result<(), Failure> {
    match command {
        Command::Create(arguments) => create::run(arguments, client).await,
        Command::Get(arguments) => get::run(arguments, client).await,
        Command::List(arguments) => list::run(arguments, client).await,
        Command::Suspend(arguments) => suspend::run(arguments, client).await,
        Command::Reactivate(arguments) => reactivate::run(arguments, client).await,
        Command::Archive(arguments) => archive::run(arguments, client).await,
        Command::Purge(arguments) => purge::run(arguments, client).await,
        Command::Wait(arguments) => wait::run(arguments, client).await,
    }
}

#[cfg(test)]
mod tests {
    use akili_crds::Tenant;
    use serde_json::json;

    /// Returns an ACTIVE tenant with a purge date.
    pub fn acme() -> Tenant {
        serde_json::from_value(json!({
            "apiVersion": "akili.io/v1alpha1", "kind": "Tenant",
            "metadata": {"name": "acme-corp"},
            "spec": {"displayName": "Acme Corporation", "state": "Active"},
            "status": {"phase": "ACTIVE", "purgeAfter": "2026-06-14T10:00:00Z"},
        }))
        .unwrap()
    }
}
