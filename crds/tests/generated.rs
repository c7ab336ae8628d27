//! What is generated is fresh, and fit for people.

use std::fs;
use std::path::Path;

use serde_json::Value;

#[test]
fn the_yaml_is_what_crdgen_writes() {
    for definition in akili_crds::definitions() {
        let name = definition.metadata.name.clone().unwrap();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("yaml/{name}.yaml"));
        let written = fs::read_to_string(&file).unwrap_or_default();
        let fresh = serde_saphyr::to_string(&definition).unwrap();
        assert!(
            written == fresh,
            "{} is stale: run `make generate`",
            file.display()
        );
    }
}

#[test]
fn kubectl_explain_describes_every_field() {
    for definition in akili_crds::definitions() {
        let schema = definition.spec.versions[0].schema.clone().unwrap();
        let schema = serde_json::to_value(schema.open_api_v3_schema.unwrap()).unwrap();
        let kind = &definition.spec.names.kind;
        for part in ["spec", "status"] {
            assert_described(&format!("{kind}.{part}"), &schema["properties"][part]);
        }
    }
}

fn assert_described(path: &str, schema: &Value) {
    assert!(
        schema["description"].is_string(),
        "{path} has no description"
    );
    let nested = [&schema["properties"], &schema["items"]["properties"]];
    for (name, field) in nested.iter().filter_map(|p| p.as_object()).flatten() {
        assert_described(&format!("{path}.{name}"), field);
    }
}
