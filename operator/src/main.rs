//! `akili-operator`: the operator's process.

use std::path::PathBuf;
use std::process::ExitCode;

use akili_operator::backend::postgres::bootstrap;
use akili_operator::config::Config;
use akili_operator::{check, run, telemetry};
use clap::{Parser, Subcommand};

/// Reconciles each Tenant with every backend of the platform.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Reconcile all Tenants until a signal to stop.
    Run {
        /// The configuration, in YAML; AKILI_… variables override it.
        #[arg(long, env = "AKILI_CONFIG")]
        config: Option<PathBuf>,
    },
    /// Check the configured backends: connections, versions, privileges, protected tables.
    Check {
        /// The configuration, in YAML; AKILI_… variables override it.
        #[arg(long, env = "AKILI_CONFIG")]
        config: Option<PathBuf>,
        /// Take over the tenants of a cluster that no longer exists.
        #[arg(long)]
        take_over: bool,
    },
    /// Print the SQL that a DBA runs once, as a superuser, in the platform's database.
    BootstrapSql {
        /// Schemas whose tables with a `tenant_id uuid` column belong to tenants.
        #[arg(long, default_value = "public", value_delimiter = ',')]
        tenant_schemas: Vec<String>,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match execute(Arguments::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn execute(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Run { config } => {
            telemetry::init();
            run::run(&Config::load(config.as_deref(), std::env::vars())?).await
        }
        Command::Check { config, take_over } => {
            check::run(
                &Config::load(config.as_deref(), std::env::vars())?,
                take_over,
            )
            .await
        }
        Command::BootstrapSql { tenant_schemas } => {
            print!("{}", bootstrap::sql(&tenant_schemas));
            Ok(())
        }
    }
}
