//! `image PROGRAM ARCHIVE`: builds the operator's image without a container engine.

use std::path::PathBuf;

use akili_testbed::operator_image::{RELEASE, operator_image};
use anyhow::Result;
use clap::Parser;

/// Build the operator's image from its program and this machine's libraries.
#[derive(Parser)]
#[command(name = "image")]
struct Arguments {
    /// The operator's program.
    program: PathBuf,
    /// The image archive to write.
    archive: PathBuf,
}

fn main() -> Result<()> {
    let Arguments { program, archive } = Arguments::parse();
    let image = operator_image(&program, RELEASE)?;
    let digest = image.write_archive(&archive)?;
    let (name, archive) = (image.name, archive.display());
    println!("{name}, {digest}, is in {archive}");
    println!("Load it, for instance: podman load --input {archive}");
    Ok(())
}
