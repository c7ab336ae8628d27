//! Writes the definitions of the custom resources to `crds/yaml/`.

use std::path::Path;
use std::{error::Error, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("yaml");
    fs::create_dir_all(&folder)?;
    for definition in akili_crds::definitions() {
        let name = definition.metadata.name.clone().unwrap_or_default();
        let file = folder.join(format!("{name}.yaml"));
        fs::write(&file, serde_saphyr::to_string(&definition)?)?;
        println!("{}", file.display());
    }
    Ok(())
}
