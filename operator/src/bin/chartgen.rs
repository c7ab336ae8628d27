//! Writes the generated files of the Helm chart.

use std::fs;
use std::path::Path;

use akili_operator::chart;

fn main() -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts/akili-operator");
    for (path, content) in chart::files()? {
        let file = folder.join(path);
        fs::create_dir_all(file.parent().unwrap_or(&folder))?;
        fs::write(&file, content)?;
        println!("{}", file.display());
    }
    Ok(())
}
