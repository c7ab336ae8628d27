//! `akili connection …`

mod create;

use clap::Subcommand;
use kube::Client;

use crate::failure::Failure;

/// What can be done with connections.
#[derive(Subcommand)]
pub enum Command {
    /// Create a connection to a data source
    Create(create::Arguments),
}

impl Command {
    /// Whether the answer is to be JSON.
    pub fn is_json(&self) -> bool {
        let Self::Create(arguments) = self;
        arguments.options.json
    }
}

/// Does it.
pub async fn run(command: Command, client: Client) -> Result<(), Failure> {
    match command {
        Command::Create(arguments) => create::run(arguments, client).await,
    }
}
