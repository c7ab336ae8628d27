//! PostgreSQL 15, with TLS and passwords, run as the unprivileged `postgres`.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use nix::{
    sys::signal::Signal,
    unistd::{User, chown},
};
use ring::rand::{SecureRandom, SystemRandom};

use super::{
    command::{command, run},
    component::Component,
    files,
    layout::{self, NODE_ADDRESS, POSTGRES_PORT},
    pki::{self, Subject},
    process::{Daemon, Process},
};

/// The database that the platform's tables are in.
pub const DATABASE: &str = "akili";

const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";
const USER: &str = "postgres";

/// PostgreSQL as a component.
pub struct Postgres;

#[async_trait]
impl Component for Postgres {
    fn name(&self) -> &'static str {
        "postgresql"
    }

    async fn prepare(&self) -> Result<Daemon> {
        create_cluster().await?;
        forget_killed_server().await?;
        let names = [NODE_ADDRESS];
        let served = pki::issue(
            "postgresql",
            &Subject {
                common_name: "postgresql",
                organization: None,
                names: &names,
            },
        )?;
        // PostgreSQL takes a key only from its own user.
        let key = layout::state("postgresql/server.key");
        files::write_secret(&key, files::read(&served.key)?)?;
        give_to_postgres(&key)?;
        files::write(
            &client_rules(),
            "local all all scram-sha-256\nhostssl all all 0.0.0.0/0 scram-sha-256\n",
        )?;

        let settings = [
            format!("listen_addresses={NODE_ADDRESS}"),
            format!("port={POSTGRES_PORT}"),
            format!("unix_socket_directories={}", directory().display()),
            format!("hba_file={}", client_rules().display()),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", served.certificate.display()),
            format!("ssl_key_file={}", key.display()),
            "password_encryption=scram-sha-256".to_owned(),
            // As many companies have it: no password may ever be in there.
            "log_statement=ddl".to_owned(),
            "log_line_prefix=%m [%p] %q%u@%d ".to_owned(),
            // Data lives as long as the machine is up, and not a moment longer.
            "fsync=off".to_owned(),
            // Nothing stays in /dev/shm after a SIGKILL.
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
        query("postgres", "SELECT 1").await?;
        Ok(())
    }

    async fn complete(&self) -> Result<()> {
        let exists = query(
            "postgres",
            &format!("SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"),
        )
        .await?;
        if exists.trim().is_empty() {
            query("postgres", &format!("CREATE DATABASE {DATABASE}")).await?;
        }
        Ok(())
    }

    /// The fast shutdown: it ends sessions instead of waiting for them.
    fn stop_signal(&self) -> Signal {
        Signal::SIGINT
    }
}

/// Where clients find PostgreSQL, and who its superuser is.
#[derive(Clone, Debug)]
pub struct PostgresHandle {
    /// The address that it listens on.
    pub host: &'static str,
    /// The port that it listens on.
    pub port: u16,
    /// The platform's database.
    pub database: &'static str,
    /// The certificate that the server's is verified with.
    pub ca_path: PathBuf,
    password: String,
}

impl PostgresHandle {
    pub(super) fn load() -> Result<Self> {
        Ok(Self {
            host: NODE_ADDRESS,
            port: POSTGRES_PORT,
            database: DATABASE,
            ca_path: pki::authority_certificate(),
            password: files::read(&password_file())?,
        })
    }

    /// A URL for this login. It verifies the server's certificate. The parts must
    /// need no escaping in a URL.
    pub fn url(&self, user: &str, password: &str) -> String {
        let Self {
            host,
            port,
            database,
            ca_path,
            ..
        } = self;
        let ca_path = ca_path.display();
        format!(
            "postgresql://{user}:{password}@{host}:{port}/{database}?sslmode=verify-full&sslrootcert={ca_path}"
        )
    }

    /// A URL for the superuser, with the password in clear.
    pub fn superuser_url(&self) -> String {
        self.url(USER, &self.password)
    }
}

/// The variables that make a superuser's `psql` use the testbed.
pub fn libpq_environment() -> [(&'static str, String); 5] {
    [
        ("PGHOST", directory().display().to_string()),
        ("PGPORT", POSTGRES_PORT.to_string()),
        ("PGUSER", USER.to_owned()),
        ("PGDATABASE", DATABASE.to_owned()),
        ("PGPASSFILE", passwords_for_libpq().display().to_string()),
    ]
}

/// What to type for a superuser's psql, without the password in it.
pub fn psql_line() -> String {
    let variables = libpq_environment().map(|(variable, value)| format!("{variable}={value}"));
    format!("{} psql", variables.join(" "))
}

/// Creates the data directory, unless there is one.
async fn create_cluster() -> Result<()> {
    if data().exists() {
        return Ok(());
    }
    files::create_directory(&directory())?;
    give_to_postgres(&directory())?;
    if !password_file().exists() {
        files::write_secret(&password_file(), new_password()?)?;
    }
    let password = files::read(&password_file())?;
    files::write_secret(
        &passwords_for_libpq(),
        format!("*:{POSTGRES_PORT}:*:{USER}:{password}\n"),
    )?;

    let unfinished = data().with_added_extension("unfinished");
    files::remove_directory(&unfinished)?;
    let password_for_initdb = directory().join("initdb.password");
    files::write_secret(&password_for_initdb, &password)?;
    give_to_postgres(&password_for_initdb)?;
    let user = user()?;
    let mut initdb = command(program("initdb"));
    initdb
        .uid(user.uid.as_raw())
        .gid(user.gid.as_raw())
        .current_dir("/");
    initdb.args([
        "--username",
        USER,
        "--auth",
        "scram-sha-256",
        "--encoding",
        "UTF8",
        "--locale",
        "C.UTF-8",
        "--no-sync",
    ]);
    initdb
        .arg("--pwfile")
        .arg(&password_for_initdb)
        .arg("--pgdata")
        .arg(&unfinished);
    run(&mut initdb).await?;
    fs::remove_file(&password_for_initdb)?;
    fs::rename(&unfinished, data()).context("can't move the new data directory to its place")
}

/// After a SIGKILL the server's children may live on for an instant, and its lock
/// files name a process that may be a zombie, which a new server takes for alive.
async fn forget_killed_server() -> Result<()> {
    for child in Process::all_working_in(&data()) {
        child.end(Signal::SIGKILL, Duration::ZERO).await?;
    }
    files::remove(&data().join("postmaster.pid"))?;
    files::remove(&directory().join(format!(".s.PGSQL.{POSTGRES_PORT}.lock")))
}

async fn query(database: &str, statement: &str) -> Result<String> {
    let mut psql = command(program("psql"));
    psql.envs(libpq_environment())
        .args(["--no-psqlrc", "--tuples-only", "--no-align"]);
    run(psql.args(["--dbname", database, "--command", statement])).await
}

fn new_password() -> Result<String> {
    let mut bytes = [0; 24];
    SystemRandom::new()
        .fill(&mut bytes)
        .ok()
        .context("no random numbers")?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

fn give_to_postgres(path: &Path) -> Result<()> {
    let user = user()?;
    chown(path, Some(user.uid), Some(user.gid))
        .with_context(|| format!("can't give {} to {USER}", path.display()))
}

fn user() -> Result<User> {
    User::from_name(USER)?.with_context(|| format!("there is no user {USER}"))
}

fn program(name: &str) -> PathBuf {
    Path::new(PROGRAMS).join(name)
}

fn directory() -> PathBuf {
    layout::state("postgresql")
}

fn data() -> PathBuf {
    directory().join("data")
}

fn client_rules() -> PathBuf {
    directory().join("pg_hba.conf")
}

fn password_file() -> PathBuf {
    layout::state("postgres-superuser.password")
}

fn passwords_for_libpq() -> PathBuf {
    layout::state("postgres-superuser.pgpass")
}
