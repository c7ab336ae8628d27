//! akili-core has no client and no I/O.

use std::path::Path;
use std::{fs, io};

/// Crates without I/O. `kube` without features has types only, no client.
const PURE: &[&str] = &[
    "akili-crds",
    "base64",
    "humantime",
    "jiff",
    "k8s-openapi",
    "kube",
    "schemars",
    "serde",
    "serde_json",
    "sha2",
    "thiserror",
];

/// Paths of the standard library that reach out of the process.
const IMPURE: &[&str] = &["std::env", "std::fs", "std::io", "std::net", "std::process"];

#[test]
fn dependencies_are_pure_and_have_no_features() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let manifest = fs::read_to_string(manifest).unwrap();
    let (_, dependencies) = manifest.split_once("[dependencies]\n").unwrap();
    let dependencies = dependencies.split("\n[").next().unwrap();
    for line in dependencies.lines().filter(|line| !line.is_empty()) {
        let name = line.strip_suffix(".workspace = true");
        assert!(name.is_some_and(|name| PURE.contains(&name)), "{line}");
    }
}

#[test]
fn sources_do_no_io() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    assert_eq!(impure(&src).unwrap(), Vec::<String>::new());
}

/// Returns a line for each impure path in a file of this folder.
fn impure(folder: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(impure(&path)?);
            continue;
        }
        let source = fs::read_to_string(&path)?;
        let words = IMPURE.iter().filter(|word| source.contains(**word));
        found.extend(words.map(|word| format!("{}: {word}", path.display())));
    }
    Ok(found)
}
