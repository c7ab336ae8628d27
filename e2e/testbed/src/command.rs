//! Running programs and reading their output.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};

/// Returns the path of a program that was built together with this one.
///
/// # Errors
/// If the program isn't built.
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

/// Returns the path of a file or folder of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// Runs a program and returns its standard output.
///
/// # Errors
/// If the program fails; the error is its output.
pub fn run(command: &mut Command) -> Result<String> {
    succeed(&command.output()?)
}

/// Returns the standard output of a successful command.
///
/// # Errors
/// If the command failed; the error is its output.
pub fn succeed(output: &Output) -> Result<String> {
    ensure!(
        output.status.success(),
        "{}{}",
        stdout(output),
        stderr(output)
    );
    Ok(stdout(output))
}

/// Returns the standard output as text.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Returns the standard error as text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
