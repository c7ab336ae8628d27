//! `akili product …`

mod create;

use clap::Subcommand;
use kube::Client;

use crate::failure::Failure;

/// What can be done with data products.
#[derive(Subcommand)]
pub enum Command {
    /// Create a data product, as a draft
    Create(create::Arguments),
}

/// Does it.
pub async fn run(command: Command, client: Client) -> Result<(), Failure> {
    match command {
        Command::Create(arguments) => create::run(arguments, client).await,
    }
}
