//! Building programs from Go modules.

use std::{path::Path, process::Stdio};

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::{
    progress::{Progress, Step},
    setup_command::{command, run},
};

/// A Go module with one program.
pub struct Module {
    /// Name for people.
    pub name: &'static str,
    /// Directory of the module.
    pub directory: &'static str,
    /// Content of the source files, go.mod first.
    pub sources: &'static [&'static str],
    pub package: &'static str,
    pub versioned_by: &'static str,
    /// Go variable that holds the program's version.
    pub version_symbol: &'static str,
}

impl Module {
    /// Returns the name of the binary that [`Module::build`] writes.
    pub fn binary(&self) -> String {
        self.name.to_lowercase()
    }

    /// Returns the program's version, such as 1.35.4.
    pub fn version(&self) -> Result<&'static str> {
        let required = self.sources.first().and_then(|go_mod| {
            let lines = go_mod.lines().map(str::trim);
            let mut versions = lines.filter_map(|line| {
                line.strip_prefix("require ")
                    .unwrap_or(line)
                    .strip_prefix(self.versioned_by)?
                    .strip_prefix(" v")
            });
            versions.next()?.split(' ').next()
        });
        required.with_context(|| {
            format!(
                "{}/go.mod doesn't require {}",
                self.directory, self.versioned_by
            )
        })
    }

    /// Builds the program into a directory.
    pub async fn build(&self, directory: &Path, progress: &Progress) -> Result<()> {
        require_go().await?;
        let version = self.version()?;
        let step = progress.step(format!("{} {version}", self.name));
        step.detail("fetching modules");
        let packages = run(self.go().args(["list", "-deps", self.package]))
            .await?
            .lines()
            .count();

        let mut build = self.go();
        build
            .args(["build", "-v", "-ldflags"])
            .arg(format!("-s -w -X {}=v{version}", self.version_symbol));
        // Files of a killed build are removed with the unfinished directory.
        build.env("GOTMPDIR", directory);
        build
            .arg("-o")
            .arg(directory.join(self.binary()))
            .arg(self.package);
        run_with_progress(build.stderr(Stdio::piped()), &step, packages)
            .await
            .with_context(|| format!("can't build {}", self.name))?;
        step.done("built");
        Ok(())
    }

    fn go(&self) -> Command {
        let mut go = command("go");
        go.current_dir(self.directory).env("CGO_ENABLED", "0");
        go
    }
}

/// Runs `go build -v`, which prints each compiled package, and shows the progress.
async fn run_with_progress(build: &mut Command, step: &Step, packages: usize) -> Result<()> {
    let mut build = build.spawn().context("can't run go")?;
    let mut lines = BufReader::new(build.stderr.take().context("no standard error")?).lines();
    let mut last = Vec::new();
    let mut compiled = 0;
    while let Some(line) = lines.next_line().await? {
        compiled += 1;
        step.detail(format!(
            "{compiled} of at most {packages} packages compiled"
        ));
        if last.len() == 20 {
            last.remove(0);
        }
        last.push(line);
    }
    let status = build.wait().await?;
    if !status.success() {
        bail!("go build: {status}\n{}", last.join("\n"));
    }
    Ok(())
}

async fn require_go() -> Result<()> {
    let version = run(command("go").arg("version")).await;
    version.context("building the tools needs Go 1.26 or later; see https://go.dev/doc/install")?;
    Ok(())
}
