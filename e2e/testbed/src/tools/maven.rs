//! Fetching programs that are published as Maven artefacts.

use std::path::Path;

use anyhow::{Context, Result};

use crate::{
    progress::Progress,
    setup_command::{command, run},
};

/// A Maven project whose dependencies are the program.
pub struct Project {
    /// Name for people.
    pub name: &'static str,
    /// Path of pom.xml.
    pub pom: &'static str,
    /// Content of pom.xml.
    pub source: &'static str,
    /// Property of pom.xml that holds the program's version.
    pub versioned_by: &'static str,
}

impl Project {
    /// Returns the program's version, such as 4.1.0.
    pub fn version(&self) -> Result<&'static str> {
        let (start, end) = (
            format!("<{}>", self.versioned_by),
            format!("</{}>", self.versioned_by),
        );
        let version = self.source.split_once(&start);
        let version = version.and_then(|(_, rest)| rest.split_once(&end));
        let (version, _) = version
            .with_context(|| format!("{} has no property {}", self.pom, self.versioned_by))?;
        Ok(version)
    }

    /// Copies the artefacts and their dependencies into a directory.
    pub async fn fetch(&self, directory: &Path, progress: &Progress) -> Result<()> {
        let step = progress.step(format!("{} {}", self.name, self.version()?));
        step.detail("fetching artefacts");
        let mut maven = command("mvn");
        maven
            .args(["--quiet", "--batch-mode", "--file", self.pom])
            .args(["dependency:copy-dependencies", "-DincludeScope=runtime"])
            .arg(format!("-DoutputDirectory={}", directory.display()));
        run(&mut maven)
            .await
            .with_context(|| format!("can't fetch {}", self.name))?;
        step.done("fetched");
        Ok(())
    }
}
