//! `akili`: the command line of the platform. Every command reads or edits custom resources.

mod commands;
mod document;
mod failure;
mod output;
mod problem;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;

/// Manage the tenants of an Akili platform.
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
    /// Create, inspect, suspend and archive tenants.
    #[command(subcommand)]
    Tenant(commands::tenant::Command),
    /// Show usage and limits of tenants, and change the limits.
    #[command(subcommand)]
    Quota(commands::quota::Command),
    /// Create connections of a tenant, in the namespace of the current context.
    #[command(subcommand)]
    Connection(commands::connection::Command),
    /// Create data products of a tenant, in the namespace of the current context.
    #[command(subcommand)]
    Product(commands::product::Command),
}

impl Command {
    /// Returns true if the answer, or a problem, is printed as JSON.
    fn is_json(&self) -> bool {
        match self {
            Self::Tenant(command) => command.is_json(),
            Self::Quota(command) => command.is_json(),
            Self::Connection(command) => command.is_json(),
            Self::Product(command) => command.is_json(),
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    let is_json = command.is_json();
    match run(command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            match failure.problem().filter(|_| is_json) {
                Some(problem) => println!("{:#}", serde_json::json!(problem)),
                None => eprintln!("{failure}"),
            }
            failure.exit_code()
        }
    }
}

async fn run(command: Command) -> Result<(), Failure> {
    let mut config = kube::Config::infer().await.map_err(|error| {
        Failure::failed(format!("can't read the kubeconfig: {error}"))
            .hint("set KUBECONFIG to a kubeconfig file of the platform's cluster")
    })?;
    // A 429 is the answer to an exceeded quota, so a retry doesn't help.
    config.default_retry = false;
    let client = kube::Client::try_from(config)
        .map_err(|error| Failure::failed(format!("can't connect to the cluster: {error}")))?;
    match command {
        Command::Tenant(command) => commands::tenant::run(command, client).await,
        Command::Quota(command) => commands::quota::run(command, client).await,
        Command::Connection(command) => commands::connection::run(command, client).await,
        Command::Product(command) => commands::product::run(command, client).await,
    }
}
