//! `akili-operator`: the operator's process.

use std::path::PathBuf;
use std::process::ExitCode;

use akili_operator::backend::postgres::bootstrap;
use akili_operator::clients::Clients;
use akili_operator::config::Config;
use akili_operator::metrics::Metrics;
use akili_operator::tenant::registry::owner::{self, kube_system_uid};
use akili_operator::{check, run, telemetry};
use anyhow::Context as _;
use clap::{Parser, Subcommand};

/// Takes each Tenant to the state that its spec wants, in every plane of the platform.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Work on all Tenants until told to stop.
    Run {
        /// The configuration, in YAML; AKILI_… variables go over it.
        #[arg(long, env = "AKILI_CONFIG")]
        config: Option<PathBuf>,
    },
    /// Try what is configured: reachable, versions, privileges, protected tables.
    Check {
        /// The configuration, in YAML; AKILI_… variables go over it.
        #[arg(long, env = "AKILI_CONFIG")]
        config: Option<PathBuf>,
        /// Give the tenants of a cluster that is gone for good to this one.
        #[arg(long)]
        take_over: bool,
    },
    /// Print the SQL that the DBA runs once, as a superuser, in the platform's database.
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
            check(
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

async fn check(config: &Config, take_over: bool) -> anyhow::Result<()> {
    let kubernetes = kube::Client::try_default()
        .await
        .context("no way to the API server")?;
    // What tenants are told, and what the connection is verified with.
    config.postgres.address()?;
    let clients = Clients::new(config, &Metrics::default())?;
    if take_over {
        owner::take_over(&clients.database, kube_system_uid(&kubernetes).await?).await?;
    }
    let lines = check::lines(&kubernetes, &clients, &config.postgres.tenant_schemas).await;
    println!("{}", check::table(&lines));
    anyhow::ensure!(
        check::passed(&lines),
        "something must be mended before the operator can work"
    );
    Ok(())
}
