//! `akili-operator`: the operator's process.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use akili_operator::backend::kubernetes::credentials::{PostgresAddress, PostgresSecrets};
use akili_operator::backend::kubernetes::{Kubernetes, Settings};
use akili_operator::backend::postgres::{Postgres, bootstrap, client};
use akili_operator::check;
use akili_operator::config::{self, Config};
use akili_operator::health::{self, Readiness};
use akili_operator::installation::{self, kube_system_uid};
use akili_operator::leader;
use akili_operator::tenant::registry::Registry;
use akili_operator::tenant::{self, Context, audit};
use anyhow::Context as _;
use clap::{Parser, Subcommand};
use kube::runtime::events::{Recorder, Reporter};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

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
        Command::Run { config } => run(&Config::load(config.as_deref(), std::env::vars())?).await,
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
    let postgres = client::Client::new(connection(&config.postgres), 1);
    if take_over {
        installation::take_over(&postgres, kube_system_uid(&kubernetes).await?).await?;
    }
    let lines = check::lines(&kubernetes, &postgres, &config.postgres.tenant_schemas).await;
    println!("{}", check::table(&lines));
    anyhow::ensure!(
        check::passed(&lines),
        "something must be mended before the operator can work"
    );
    Ok(())
}

async fn run(config: &Config) -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let stop = stop_on_signals()?;
    let client = kube::Client::try_default()
        .await
        .context("no way to the API server")?;
    let readiness = Readiness::default();
    let probes = tokio::spawn(serve(
        config.health_address.clone(),
        readiness.clone(),
        stop.clone(),
    ));

    // A replica that waits for the lease is of use: it would take over.
    readiness.set(true);
    let leadership = leader::lead(
        client.clone(),
        &config.namespace,
        config.lease_duration,
        &stop,
    )
    .await
    .context("the Lease akili-operator can't be had")?;
    let Some(leadership) = leadership else {
        return Ok(());
    };
    readiness.set(false);

    let database = client::Client::new(connection(&config.postgres), config.concurrency);
    let registry = Registry::new(database.clone(), kube_system_uid(&client).await?);
    let postgres = Arc::new(Postgres::new(
        database,
        Arc::new(PostgresSecrets::new(
            client.clone(),
            address(&config.postgres)?,
        )),
        config.postgres.tenant_schemas.clone(),
    ));
    let settings = Settings {
        service_account: config.service_account.clone(),
        namespace: config.namespace.clone(),
        egress: config.egress.clone(),
    };
    let recorder = Recorder::new(client.clone(), Reporter::from("akili-operator"));
    let context = Arc::new(Context {
        registry,
        kubernetes: Kubernetes::new(client.clone(), settings),
        planes: vec![postgres.clone()],
        leadership,
        recorder: recorder.clone(),
        retention: config.retention,
        audit_interval: config.audit_interval,
        client,
    });
    tokio::join!(
        context
            .registry
            .keep(config.audit_interval, || readiness.set(true), stop.clone()),
        tenant::run(context.clone(), config.concurrency, stop.clone()),
        audit::run(
            postgres,
            recorder,
            config.namespace.clone(),
            config.audit_interval,
            stop.clone()
        ),
    );
    // A probe that is being answered ends with the process.
    probes.abort();
    Ok(())
}

fn connection(postgres: &config::Postgres) -> PgConnectOptions {
    let options = PgConnectOptions::new()
        .host(&postgres.host)
        .port(postgres.port)
        .database(&postgres.database)
        .username(&postgres.user)
        .password(postgres.password.expose());
    match &postgres.ca_file {
        Some(ca) => options.ssl_mode(PgSslMode::VerifyFull).ssl_root_cert(ca),
        None => options.ssl_mode(PgSslMode::Prefer),
    }
}

fn address(postgres: &config::Postgres) -> anyhow::Result<PostgresAddress> {
    let read = |file: &PathBuf| {
        std::fs::read_to_string(file)
            .with_context(|| format!("can't read postgres.caFile {}", file.display()))
    };
    Ok(PostgresAddress {
        host: postgres.host.clone(),
        port: postgres.port,
        database: postgres.database.clone(),
        ca: postgres.ca_file.as_ref().map(read).transpose()?,
    })
}

async fn serve(address: String, readiness: Readiness, stop: CancellationToken) {
    if let Err(error) = health::serve(&address, readiness, stop.clone()).await {
        tracing::error!(%error, "healthAddress {address} can't be listened on");
        stop.cancel();
    }
}

fn stop_on_signals() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let stopped = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: what has begun is ended first");
        stopped.cancel();
    });
    Ok(stop)
}
