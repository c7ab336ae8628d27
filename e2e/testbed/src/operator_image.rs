//! The operator's image: its program and the libraries that it loads, nothing else.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::command::{repository, run};
use crate::{Image, ImageFile, digest};

/// Name of the image, as in the chart.
pub const REPOSITORY: &str = "akili.io/akili-operator";

pub const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// Returns a tag that is unique for the program's content.
///
/// # Errors
/// If the program can't be read.
pub fn tag_of(program: &Path) -> Result<String> {
    let digest = digest(&fs::read(program)?);
    let digest = digest.trim_start_matches("sha256:");
    Ok(format!("{RELEASE}-{}", &digest[..12]))
}

/// Returns the image of this program (a debug or release build) and of this machine's
/// libraries.
///
/// # Errors
/// If the program or one of its libraries is missing.
pub fn operator_image(program: &Path, tag: &str) -> Result<Image> {
    let mut lister = Command::new(repository("operator/image-files"));
    let listed = run(lister.arg(program))?;
    let file = |line: &str| {
        let (there, here) = line
            .split_once(' ')
            .with_context(|| format!("no path in {line:?}"))?;
        Ok(ImageFile::Copy {
            from: here.into(),
            to: there.trim_start_matches('/').to_owned(),
        })
    };
    Ok(Image {
        name: format!("{REPOSITORY}:{tag}"),
        files: listed.lines().map(file).collect::<Result<_>>()?,
        entrypoint: vec!["/bin/akili-operator".to_owned()],
    })
}
