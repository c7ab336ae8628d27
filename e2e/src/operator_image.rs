//! The operator's image: its program, what that loads, and nothing else.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::command::{repository, run};
use crate::testbed::{Image, ImageFile};

/// Its name, as the chart has it.
pub const NAME: &str = concat!("akili.io/akili-operator:", env!("CARGO_PKG_VERSION"));

/// The image of this program, a debug or a release build, and of this machine's
/// libraries.
pub fn operator_image(program: &Path) -> Result<Image> {
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
        name: NAME.to_owned(),
        files: listed.lines().map(file).collect::<Result<_>>()?,
        entrypoint: vec!["/bin/akili-operator".to_owned()],
    })
}
