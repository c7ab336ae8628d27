//! Generated files are fresh, and their descriptions complete.

use std::fs;
use std::path::Path;

use akili_crds::Problem;
use serde_json::Value;

#[test]
fn yaml_is_what_crdgen_writes() {
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
fn every_field_has_a_description() {
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
    let description = schema["description"].as_str().unwrap_or_default();
    assert!(!description.is_empty(), "{path} has no description");
    let paragraphs = description.replace("\n\n", "");
    assert!(
        !paragraphs.contains('\n'),
        "{path}: a line break that kubectl explain would show"
    );
    let nested = [&schema["properties"], &schema["items"]["properties"]];
    for (name, field) in nested.iter().filter_map(|p| p.as_object()).flatten() {
        assert_described(&format!("{path}.{name}"), field);
    }
}

/// The policy behind the webhook rejects in the webhook's words. Its sentences are CEL literals in
/// the chart, so they can't be generated from here.
#[test]
fn policy_of_the_chart_rejects_in_the_webhooks_words() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts/akili-operator");
    let policies = fs::read_to_string(folder.join("templates/policies.yaml")).unwrap();
    for problem in [
        Problem::tenant_not_ready("acme"),
        Problem::tenant_suspended("acme"),
        Problem::tenant_archived("acme"),
    ] {
        let rest = problem.detail.strip_prefix("Tenant 'acme'").unwrap();
        let literal = format!("'{}: ' + variables.tenant + '{rest}'", problem.type_);
        assert!(policies.contains(&literal), "no {literal} in policies.yaml");
    }
}
