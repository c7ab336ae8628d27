//! The map of files in docs/architecture.md, compared with the tree.
//!
//! Each line of the map is a path, indented below its folder, and a description. A folder
//! ends with `/`; one that ends with `/…` stands for all that is in it. Every folder with
//! files must be on the map. A folder with one file listed must list them all.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};

use crate::source;

const DOCUMENT: &str = "docs/architecture.md";

/// Heading before the map.
const HEADING: &str = "## Map of files";

/// Where files need not be listed: a crate's manifest and root explain themselves.
const UNLISTED: &[&str] = &["Cargo.toml", "lib.rs", "mod.rs"];

/// Returns a line for each difference between the map and the tree.
pub fn findings() -> Result<Vec<String>> {
    let document = source::read(DOCUMENT)?;
    let files: Vec<String> = source::files("")?
        .into_iter()
        .filter(|file| file.contains('/'))
        .collect();
    Ok(compare(&entries(&document)?, &files))
}

/// Reads the map: paths from the root, in order.
fn entries(document: &str) -> Result<Vec<String>> {
    let after = document.split_once(HEADING).context("no map")?.1;
    let map = after.split("```").nth(1).context("no block for the map")?;
    let mut entries = Vec::new();
    let mut folders: Vec<String> = Vec::new();
    for line in map.lines().skip(1).filter(|line| !line.trim().is_empty()) {
        let depth = (line.len() - line.trim_start().len()) / 2;
        ensure!(
            depth <= folders.len(),
            "{DOCUMENT}: indented too far: {line}"
        );
        folders.truncate(depth);
        let name = line.split_whitespace().next().unwrap_or_default();
        let path = folders.concat() + name;
        folders.push(name.to_owned());
        entries.push(path);
    }
    Ok(entries)
}

fn compare(entries: &[String], files: &[String]) -> Vec<String> {
    let mut findings = Vec::new();
    let folder_of = |path: &str| {
        let path = path.trim_end_matches('/');
        path.rsplit_once('/')
            .map_or(String::new(), |(folder, _)| format!("{folder}/"))
    };
    let whole: Vec<&str> = entries
        .iter()
        .filter_map(|entry| entry.strip_suffix('…'))
        .collect();
    let listed: BTreeSet<&str> = entries.iter().map(String::as_str).collect();
    let with_files: BTreeSet<String> = entries
        .iter()
        .filter(|entry| !entry.ends_with(['/', '…']))
        .map(|entry| folder_of(entry))
        .collect();
    let mut folders = BTreeSet::new();
    for file in files {
        if whole.iter().any(|folder| file.starts_with(folder)) {
            continue;
        }
        let folder = folder_of(file);
        let name = file.trim_start_matches(folder.as_str());
        let is_needed = with_files.contains(&folder) && !UNLISTED.contains(&name);
        if is_needed && !listed.contains(file.as_str()) {
            findings.push(format!("{DOCUMENT}: the map lacks {file}"));
        }
        folders.insert(folder);
    }
    for folder in folders
        .iter()
        .filter(|folder| !listed.contains(folder.as_str()))
    {
        findings.push(format!("{DOCUMENT}: the map lacks {folder}"));
    }
    for entry in entries {
        let start = entry.trim_end_matches('…');
        let exists = files.iter().any(|file| {
            if start.ends_with('/') {
                file.starts_with(start)
            } else {
                file == start
            }
        });
        if !exists {
            findings.push(format!("{DOCUMENT}: the map has {entry}, the tree has not"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn map_matches_the_tree() -> Result<()> {
        crate::expect_none(&findings()?);
        Ok(())
    }

    #[test]
    fn map_reports_what_differs() -> Result<()> {
        let map = format!(
            "{HEADING}\n\n```text\na/   A\n  src/   code\n    x.rs   X\n  data/…   all\ngone/\n```\n"
        );
        let files = [
            "a/Cargo.toml",
            "a/src/lib.rs",
            "a/src/x.rs",
            "a/src/y.rs",
            "a/data/b/c",
            "b/d",
        ];
        let found = compare(&entries(&map)?, &files.map(str::to_owned));
        let missing = ["lacks a/src/y.rs", "lacks b/", "has gone/"];
        assert_eq!(found.len(), missing.len(), "{found:?}");
        assert!(
            found
                .iter()
                .zip(missing)
                .all(|(found, missing)| found.contains(missing)),
            "{found:?}"
        );
        Ok(())
    }
}
