//! `akili`: the command line of the platform. It edits custom resources, no more.

mod commands;
mod document;
mod failure;
mod output;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;

/// Work with the tenants of an Akili platform.
///
/// Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 denied, 5 quota exceeded, 6 timed out.
#[derive(Parser)]
#[command(name = "akili", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Create tenants, look at them, and lead them through their life.
    #[command(subcommand)]
    Tenant(commands::tenant::Command),
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments {
        command: Command::Tenant(command),
    } = Arguments::parse();
    match run(command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            failure.exit_code()
        }
    }
}

async fn run(command: commands::tenant::Command) -> Result<(), Failure> {
    let config = kube::Config::infer().await.map_err(|error| {
        Failure::failed(format!("no cluster: {error}"))
            .hint("set KUBECONFIG to a kubeconfig file of the platform's cluster")
    })?;
    let client = kube::Client::try_from(config)
        .map_err(|error| Failure::failed(format!("no cluster: {error}")))?;
    commands::tenant::run(command, client).await
}
