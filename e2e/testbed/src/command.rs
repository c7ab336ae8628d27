//! Running programs: where they are, and what they said.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};

/// The program that was built beside this one.
///
/// # Errors
/// If it wasn't built.
pub fn binary(name: &str) -> Result<PathBuf> {
    let this = std::env::current_exe()?;
    // Tests are a folder deeper than programs.
    let program = this
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(name))
        .find(|program| program.exists());
    program.with_context(|| format!("{name} isn't built; run `cargo build --workspace`"))
}

/// A file or folder of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// Runs a program; its output.
///
/// # Errors
/// What it said, if it fails.
pub fn run(command: &mut Command) -> Result<String> {
    succeed(&command.output()?)
}

/// The output of a command that succeeded.
///
/// # Errors
/// What it said, if it failed.
pub fn succeed(output: &Output) -> Result<String> {
    ensure!(
        output.status.success(),
        "{}{}",
        stdout(output),
        stderr(output)
    );
    Ok(stdout(output))
}

/// What a command printed.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a command complained of.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
