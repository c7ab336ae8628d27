//! The data directory: created once, and repaired after a SIGKILL.

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

/// Creates the data directory unless it exists.
pub async fn create_if_missing() -> Result<()> {
    if data().exists() {
        return Ok(());
    }
    files::create_directory(&directory())?;
    chown_to_postgres(&directory())?;
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
    chown_to_postgres(&password_for_initdb)?;
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

/// Removes what a killed server leaves: its children, which may live on for a moment; its
/// shared memory; and its lock files, which name a process that may be a zombie, which a
/// new server takes for alive.
pub async fn clean_up_killed_server() -> Result<()> {
    for child in Process::all_of_program(&program("postgres"), &data()) {
        child.end(Signal::SIGKILL, Duration::ZERO).await?;
    }
    let lock = data().join("postmaster.pid");
    let named = fs::read_to_string(&lock).unwrap_or_default();
    // The line holds the key and the id of the shared memory.
    let segment = named
        .lines()
        .nth(6)
        .and_then(|line| line.split_whitespace().nth(1));
    if let Some(segment) = segment {
        // The server may have removed it before it was killed.
        let _ = run(command("ipcrm").args(["--shmem-id", segment])).await;
    }
    files::remove(&lock)?;
    files::remove(&directory().join(format!(".s.PGSQL.{POSTGRES_PORT}.lock")))
}

/// Makes PostgreSQL's user the owner of a file.
pub fn chown_to_postgres(path: &Path) -> Result<()> {
    let user = user()?;
    chown(path, Some(user.uid), Some(user.gid))
        .with_context(|| format!("can't give {} to {USER}", path.display()))
}

fn user() -> Result<User> {
    User::from_name(USER)?.with_context(|| format!("there is no user {USER}"))
}

/// Returns the path of a program of PostgreSQL 15; other versions may be installed too.
pub fn program(name: &str) -> PathBuf {
    Path::new(PROGRAMS).join(name)
}

/// Returns the directory of PostgreSQL's files and socket.
pub fn directory() -> PathBuf {
    layout::state("postgresql")
}

pub fn data() -> PathBuf {
    directory().join("data")
}

/// Returns the file of the superuser's password.
pub fn password_file() -> PathBuf {
    layout::state("postgres-superuser.password")
}

/// Returns the file of the superuser's password in libpq's format.
pub fn passwords_for_libpq() -> PathBuf {
    layout::state("postgres-superuser.pgpass")
}
