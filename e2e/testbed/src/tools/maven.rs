//! Fetching a program that is published as Maven artefacts.

use std::path::Path;

use anyhow::{Context, Result};

use crate::{
    progress::Progress,
    setup_command::{command, run},
};

/// The artefacts that a project depends on.
pub struct Project {
    /// As people write the program's name.
    pub name: &'static str,
    /// Where its pom.xml is.
    pub pom: &'static str,
    /// What is in there.
    pub source: &'static str,
    /// The property in there that is the program's version.
    pub versioned_by: &'static str,
}

impl Project {
    /// The program's version, such as 4.1.0.
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

    /// Copies the artefacts, and all that they need, into a directory.
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
