//! Generated files of the Helm chart are fresh.

use std::fs;
use std::path::Path;

use akili_operator::chart;

#[test]
fn chart_files_match_what_chartgen_writes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts/akili-operator");
    for (path, fresh) in chart::files().unwrap() {
        let file = folder.join(path);
        let written = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            written == fresh,
            "{} is stale: run `make generate`",
            file.display()
        );
    }
}
