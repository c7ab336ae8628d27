//! Running commands to their end.

use std::{ffi::OsStr, path::Path, process::Output};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use super::marks::{MARK, SETUP};

/// Creates a command that is killed when the future that waits for it is dropped.
///
/// If this process is killed meanwhile, the next `up` finds and ends the command.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.kill_on_drop(true).env(MARK, SETUP);
    command
}

/// Runs a command and returns its standard output.
///
/// Errors hold the command line and the last lines of its standard error.
pub async fn run(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let output = command
        .output()
        .await
        .with_context(|| format!("can't run {shown}"))?;
    if !output.status.success() {
        bail!("{shown}: {}\n{}", output.status, last_output(&output));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns the last lines of a text file for an error message, or a note that there are
/// none.
pub fn last_lines_of(path: &Path, count: usize) -> String {
    match std::fs::read(path) {
        Ok(content) => last_lines(&String::from_utf8_lossy(&content), count),
        Err(error) => format!("(can't read {}: {error})", path.display()),
    }
}

fn shown(command: &Command) -> String {
    let command = command.as_std();
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

fn last_output(output: &Output) -> String {
    let written = if output.stderr.is_empty() {
        &output.stdout
    } else {
        &output.stderr
    };
    last_lines(&String::from_utf8_lossy(written), 20)
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<_> = text.lines().collect();
    let shown = &lines[lines.len().saturating_sub(count)..];
    if shown.is_empty() {
        "(it wrote nothing)".to_owned()
    } else {
        shown.join("\n")
    }
}
