//! The data directory: created once, and made fit for a start after a SIGKILL.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use nix::{
    sys::signal::Signal,
    unistd::{User, chown},
};

use super::USER;
use crate::{
    files,
    layout::{self, POSTGRES_PORT},
    process::Process,
    secret,
    setup_command::{command, run},
};

const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";

/// Creates the data directory, unless there is one.
pub async fn create_unless_there() -> Result<()> {
    if data().exists() {
        return Ok(());
    }
    files::create_directory(&directory())?;
    give_to_postgres(&directory())?;
    if !password_file().exists() {
        files::write_secret(&password_file(), secret::random()?)?;
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

/// After a SIGKILL the server's children may live on for an instant; its shared
/// memory stays; and its lock files name a process that may be a zombie, which a
/// new server takes for alive.
pub async fn forget_killed_server() -> Result<()> {
    for child in Process::all_of_program(&program("postgres"), &data()) {
        child.end(Signal::SIGKILL, Duration::ZERO).await?;
    }
    let lock = data().join("postmaster.pid");
    let named = fs::read_to_string(&lock).unwrap_or_default();
    // The key and the number of the shared memory.
    let segment = named
        .lines()
        .nth(6)
        .and_then(|line| line.split_whitespace().nth(1));
    if let Some(segment) = segment {
        // The server may have been killed after it had removed it.
        let _ = run(command("ipcrm").args(["--shmem-id", segment])).await;
    }
    files::remove(&lock)?;
    files::remove(&directory().join(format!(".s.PGSQL.{POSTGRES_PORT}.lock")))
}

/// Makes a file PostgreSQL's own.
pub fn give_to_postgres(path: &Path) -> Result<()> {
    let user = user()?;
    chown(path, Some(user.uid), Some(user.gid))
        .with_context(|| format!("can't give {} to {USER}", path.display()))
}

fn user() -> Result<User> {
    User::from_name(USER)?.with_context(|| format!("there is no user {USER}"))
}

/// A program of PostgreSQL 15, whatever else is installed.
pub fn program(name: &str) -> PathBuf {
    Path::new(PROGRAMS).join(name)
}

/// Everything of PostgreSQL, its socket too.
pub fn directory() -> PathBuf {
    layout::state("postgresql")
}

/// The data directory.
pub fn data() -> PathBuf {
    directory().join("data")
}

/// The superuser's password.
pub fn password_file() -> PathBuf {
    layout::state("postgres-superuser.password")
}

/// The superuser's password, as libpq reads it.
pub fn passwords_for_libpq() -> PathBuf {
    layout::state("postgres-superuser.pgpass")
}
