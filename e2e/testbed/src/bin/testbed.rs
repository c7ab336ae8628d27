//! `testbed up | down | status | env`: the testbed's command line.

use std::process::ExitCode;

use akili_testbed as testbed;
use clap::{Parser, Subcommand};

/// A single-node Kubernetes with the real backends, for tests and demonstrations.
#[derive(Parser)]
#[command(name = "testbed")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install, build and start what is missing
    Up,
    /// Stop the testbed and remove everything that it created
    Down,
    /// Show the state of each component
    Status,
    /// Print shell commands for using the testbed: eval "$(testbed env)"
    Env,
    /// Run as the OpenID Connect issuer, a component of the testbed
    #[command(hide = true)]
    ServeIssuer,
    /// Run as the stand-in for StarRocks, a component of the testbed
    #[command(hide = true)]
    ServeStarrocksStandIn,
}

#[tokio::main]
async fn main() -> ExitCode {
    // Libraries may enable two providers of cryptography; the one installed first is used
    // by all.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let result = match Arguments::parse().command {
        Command::Up => testbed::up().await,
        Command::Down => testbed::down().await,
        Command::Status => testbed::status().await,
        Command::Env => {
            testbed::environment();
            Ok(())
        }
        Command::ServeIssuer => testbed::serve_issuer().await,
        Command::ServeStarrocksStandIn => testbed::serve_starrocks_stand_in().await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("testbed: {error:#}");
            ExitCode::FAILURE
        }
    }
}
