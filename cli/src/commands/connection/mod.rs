//! `akili connection …`

mod create;

use clap::Subcommand;
use kube::Client;

use crate::failure::Failure;

/// Verbs of connections.
#[derive(Subcommand)]
pub enum Command {
    /// Create a connection to a data source
    Create(create::Arguments),
}

impl Command {
    /// Returns true if the answer is printed as JSON.
    pub fn is_json(&self) -> bool {
        let Self::Create(arguments) = self;
        arguments.options.json
    }
}

/// Runs the command.
pub async fn run(command: Command, client: Client) -> Result<(), Failure> {
    match command {
        Command::Create(arguments) => create::run(arguments, client).await,
    }
}
