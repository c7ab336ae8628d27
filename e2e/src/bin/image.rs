//! `image PROGRAM ARCHIVE`: the operator's image, made without a container engine.

use std::path::PathBuf;

use akili_e2e::operator_image::{NAME, operator_image};
use anyhow::Result;
use clap::Parser;

/// Make the operator's image of its program and this machine's libraries.
#[derive(Parser)]
#[command(name = "image")]
struct Arguments {
    /// The operator's program.
    program: PathBuf,
    /// Where to write the image.
    archive: PathBuf,
}

fn main() -> Result<()> {
    let Arguments { program, archive } = Arguments::parse();
    let digest = operator_image(&program)?.write_archive(&archive)?;
    let archive = archive.display();
    println!("{NAME}, {digest}, is in {archive}");
    println!("Load it, for instance: podman load --input {archive}");
    Ok(())
}
