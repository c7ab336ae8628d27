//! Licences of all dependencies, by the list in deny.toml.
//!
//! `cargo deny` checks more: texts of licences, sources, advisories. This check needs no tool.

use std::env;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use spdx::Expression;

use crate::source;

/// The platform that images and tests are built for.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
}

/// Returns a line for each dependency whose licence deny.toml doesn't allow.
pub fn findings() -> Result<Vec<String>> {
    let allowed = allowed(&source::read("deny.toml")?)?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--locked", "--offline"])
        .args(["--filter-platform", PLATFORM])
        .current_dir(source::path(""))
        .output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo metadata: {error}");
    let metadata: Metadata = serde_json::from_slice(&output.stdout)?;

    let mut findings = Vec::new();
    for package in metadata.packages {
        let Package {
            name,
            version,
            license,
        } = package;
        let license = license.unwrap_or_default();
        if !is_allowed(&license, &allowed)? {
            findings.push(format!(
                "{name} {version}: deny.toml doesn't allow the licence \"{license}\""
            ));
        }
    }
    Ok(findings)
}

/// Returns the list `allow` of the section `licenses`.
fn allowed(settings: &str) -> Result<Vec<String>> {
    let section = settings.split_once("[licenses]").map(|(_, after)| after);
    let list = section.and_then(|section| section.split_once("allow = ["));
    let list = list.and_then(|(_, after)| after.split_once(']'));
    let (list, _) = list.context("deny.toml: no list of allowed licences")?;
    Ok(list
        .split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect())
}

/// Returns whether the list allows an expression such as `MIT OR Apache-2.0`.
fn is_allowed(license: &str, allowed: &[String]) -> Result<bool> {
    if license.is_empty() {
        return Ok(false);
    }
    // Older packages write `MIT/Apache-2.0`.
    let license = license.replace('/', " OR ");
    let expression = Expression::parse(&license).with_context(|| format!("licence {license}"))?;
    Ok(expression.evaluate(|required| allowed.contains(&required.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_have_allowed_licences() -> Result<()> {
        crate::expect_none(&findings()?);
        Ok(())
    }

    #[test]
    fn licence_expression_is_evaluated() -> Result<()> {
        let allowed = ["MIT", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned);
        for (license, expected) in [
            ("MIT", true),
            ("MIT/Apache-2.0", true),
            ("MIT AND Apache-2.0", false),
            ("Apache-2.0 WITH LLVM-exception OR GPL-3.0-only", true),
            ("GPL-3.0-only", false),
            ("", false),
        ] {
            assert_eq!(is_allowed(license, &allowed)?, expected, "{license}");
        }
        Ok(())
    }
}
