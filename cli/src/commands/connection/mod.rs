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

/// Does it.
pub async fn run(command: Command, client: Client) -> Result<(), Failure> {
    match command {
        Command::Create(arguments) => create::run(arguments, client).await,
    }
}
