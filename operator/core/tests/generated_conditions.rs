//! docs/conditions.md is fresh.

use std::fs;
use std::path::Path;

#[test]
fn conditions_md_is_what_conditionsgen_writes() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/conditions.md");
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == akili_core::conditions_md(),
        "docs/conditions.md is stale: run `make generate`"
    );
}
