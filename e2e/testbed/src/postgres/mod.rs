//! PostgreSQL 15, with TLS and passwords, run as the unprivileged `postgres`.

mod access;
mod cluster;

pub use access::{PostgresHandle, libpq_environment, psql_line};

use anyhow::Result;
use async_trait::async_trait;
use nix::sys::signal::Signal;

use super::{
    component::Component,
    files,
    layout::{NODE_ADDRESS, POSTGRES_PORT},
    pki::{self, Subject},
    process::Daemon,
    setup_command::{command, run},
};
use access::DATABASE;
use cluster::{chown_to_postgres, data, directory, program};

/// Name of the system user that runs the server, and of PostgreSQL's superuser.
const USER: &str = "postgres";

/// PostgreSQL as a component.
pub struct Postgres;

#[async_trait]
impl Component for Postgres {
    fn name(&self) -> &'static str {
        "postgresql"
    }

    async fn prepare(&self) -> Result<Daemon> {
        cluster::create_if_missing().await?;
        cluster::clean_up_killed_server().await?;
        let names = [NODE_ADDRESS];
        let served = pki::issue(
            "postgresql",
            &Subject {
                common_name: "postgresql",
                organization: None,
                names: &names,
            },
        )?;
        // PostgreSQL accepts a key only if its own user owns it.
        let key = directory().join("server.key");
        files::write_secret(&key, files::read(&served.key)?)?;
        chown_to_postgres(&key)?;
        let client_rules = directory().join("pg_hba.conf");
        files::write(
            &client_rules,
            "local all all scram-sha-256\nhostssl all all 0.0.0.0/0 scram-sha-256\n",
        )?;

        let settings = [
            format!("listen_addresses={NODE_ADDRESS}"),
            format!("port={POSTGRES_PORT}"),
            format!("unix_socket_directories={}", directory().display()),
            format!("hba_file={}", client_rules.display()),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", served.certificate.display()),
            format!("ssl_key_file={}", key.display()),
            "password_encryption=scram-sha-256".to_owned(),
            // Set as many companies do: the log must never hold a password.
            "log_statement=ddl".to_owned(),
            "log_line_prefix=%m [%p] %q%u@%d ".to_owned(),
            // Data is discarded after a reboot, so syncing is useless.
            "fsync=off".to_owned(),
            // Leaves nothing in /dev/shm after a SIGKILL.
            "dynamic_shared_memory_type=mmap".to_owned(),
        ];
        let daemon = Daemon::new(program("postgres"))
            .run_by(USER)
            .arg("-D")
            .arg(data());
        Ok(settings
            .into_iter()
            .fold(daemon, |daemon, setting| daemon.arg("-c").arg(setting)))
    }

    async fn ready(&self) -> Result<()> {
        query("SELECT 1").await?;
        Ok(())
    }

    async fn initialize(&self) -> Result<()> {
        let exists = query(&format!(
            "SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"
        ))
        .await?;
        if exists.trim().is_empty() {
            query(&format!("CREATE DATABASE {DATABASE}")).await?;
        }
        Ok(())
    }

    /// The fast shutdown, which ends sessions instead of waiting for them.
    fn stop_signal(&self) -> Signal {
        Signal::SIGINT
    }

    async fn clean_up(&self) -> Result<()> {
        cluster::clean_up_killed_server().await
    }
}

/// Recreates an empty database and drops all roles but the superuser, as after the first
/// start.
pub async fn empty() -> Result<()> {
    query(&format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")).await?;
    let others =
        format!("SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> '{USER}'");
    query(&format!(
        "DO $$ DECLARE other name; BEGIN FOR other IN {others} LOOP EXECUTE format('DROP ROLE %I', other); END LOOP; END $$"
    ))
    .await?;
    query(&format!("CREATE DATABASE {DATABASE}")).await?;
    Ok(())
}

/// Runs a statement as the superuser, in the database `postgres`.
async fn query(statement: &str) -> Result<String> {
    let mut psql = command(program("psql"));
    psql.envs(libpq_environment())
        .args(["--no-psqlrc", "--tuples-only", "--no-align"]);
    run(psql.args(["--dbname", "postgres", "--command", statement])).await
}
