//! Writes docs/conditions.md.

use std::fs;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/conditions.md");
    fs::write(&file, akili_core::conditions_md())?;
    println!("{}", file.display());
    Ok(())
}
