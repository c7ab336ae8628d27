//! The CEL rules of the API server, evaluated without one.
#![allow(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use akili_crds::{Connection, DataProduct, Tenant};
use serde_json::{Value, json};

const ID: &str = "550e8400-e29b-41d4-a716-446655440000";
const OTHER_ID: &str = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";

fn tenant(name: &str, spec: Value) -> Tenant {
    serde_json::from_value(json!({
        "apiVersion": "akili.io/v1alpha1", "kind": "Tenant",
        "metadata": {"name": name}, "spec": spec,
    }))
    .unwrap()
}

/// Returns the messages of the rules that reject; empty if all accept.
fn refusal<E: std::fmt::Display>(result: Result<(), E>) -> String {
    result
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default()
}

#[test]
fn tenant_name_is_a_slug() {
    let named = |name: &str| refusal(tenant(name, json!({"displayName": "Acme"})).validate_cel());
    let longest = "a".repeat(63);
    for good in ["abc", "acme-corp", "a--b", &longest] {
        assert_eq!(named(good), "", "{good}");
    }
    let too_long = "a".repeat(64);
    for bad in ["ab", "1acme", "a.b", &too_long] {
        assert!(
            named(bad).contains("a tenant's name has 3 to 63 characters"),
            "{bad}"
        );
    }
}

#[test]
fn display_name_has_no_control_characters() {
    let called = |name: &str| refusal(tenant("acme", json!({"displayName": name})).validate_cel());
    for good in ["Acme Corporation", "Ünïcode Čorp 株式会社", "A"] {
        assert_eq!(called(good), "", "{good}");
    }
    for bad in ["a\u{0}b", "a\nb", "a\u{7f}", "a\u{85}b", "\u{9f}"] {
        assert!(
            called(bad).contains("must not have control characters"),
            "{bad:?}"
        );
    }
}

#[test]
fn retention_is_a_non_negative_duration() {
    let keeping = |retention: &str| {
        refusal(tenant("acme", json!({"displayName": "A", "retention": retention})).validate_cel())
    };
    for good in ["2160h", "0s", "0", "1h30m", "1.5h"] {
        assert_eq!(keeping(good), "", "{good}");
    }
    for bad in ["-1h", "90d", "1", "forever", "", "1h 30m"] {
        assert!(
            keeping(bad).contains("retention must be a duration"),
            "{bad}"
        );
    }
}

#[test]
fn spec_id_is_a_canonical_uuid() {
    let with =
        |id: &str| refusal(tenant("acme", json!({"displayName": "A", "id": id})).validate_cel());
    assert_eq!(with(ID), "");
    for bad in [
        ID.to_uppercase().as_str(),
        "00000000-0000-0000-0000-000000000000",
        "550e8400e29b41d4a716446655440000",
        "x",
    ] {
        assert!(
            with(bad).contains("must be a lower-case canonical UUID"),
            "{bad}"
        );
    }
}

#[test]
fn spec_id_is_set_once_and_agrees_with_status() {
    let with = |id: Option<&str>| tenant("acme", json!({"displayName": "A", "id": id}));
    let change = |from, to| refusal(with(to).validate_cel_update(&with(from)));
    assert_eq!(change(None, Some(ID)), "");
    assert_eq!(change(Some(ID), Some(ID)), "");
    for to in [Some(OTHER_ID), None] {
        assert!(change(Some(ID), to).contains("can't be changed or removed"));
    }

    let mut known = with(Some(OTHER_ID));
    known.status = Some(serde_json::from_value(json!({"id": ID})).unwrap());
    assert!(refusal(known.validate_cel()).contains("must equal status.id"));
    known.spec.id = Some(ID.into());
    assert_eq!(refusal(known.validate_cel()), "");
}

#[test]
fn archived_is_permanent() {
    let state = |state: &str| tenant("acme", json!({"displayName": "A", "state": state}));
    let change = |from, to| refusal(state(to).validate_cel_update(&state(from)));
    for to in ["Active", "Suspended"] {
        assert!(change("Archived", to).contains("an archived tenant stays archived"));
    }
    for (from, to) in [
        ("Active", "Suspended"),
        ("Suspended", "Active"),
        ("Active", "Archived"),
        ("Suspended", "Archived"),
        ("Archived", "Archived"),
    ] {
        assert_eq!(change(from, to), "", "{from} → {to}");
    }
}

#[test]
fn deployed_product_needs_schedule_and_image() {
    let product = |name: &str, spec: Value| -> DataProduct {
        serde_json::from_value(json!({
            "apiVersion": "akili.io/v1alpha1", "kind": "DataProduct",
            "metadata": {"name": name}, "spec": spec,
        }))
        .unwrap()
    };
    let refused = |spec: Value| refusal(product("orders", spec).validate_cel());
    assert_eq!(refused(json!({"namespace": "sales"})), "");
    let pipeline = json!({"image": "pipeline:1"});
    let whole = json!({"namespace": "sales", "deployed": true, "schedule": "0 2 * * *", "pipeline": pipeline});
    assert_eq!(refused(whole), "");
    for part in [
        json!({"namespace": "sales", "deployed": true}),
        json!({"namespace": "sales", "deployed": true, "schedule": "0 2 * * *"}),
        json!({"namespace": "sales", "deployed": true, "pipeline": pipeline}),
        json!({"namespace": "sales", "deployed": true, "schedule": "0 2 * * *", "pipeline": {}}),
    ] {
        assert!(refused(part).contains("needs a schedule and pipeline.image"));
    }
    let long = product(&"a".repeat(53), json!({"namespace": "sales"}));
    assert!(refusal(long.validate_cel()).contains("at most 52 characters"));
}

#[test]
fn connection_of_other_type_needs_host_and_port() {
    let refused = |kind: &str, config: Value| {
        let connection: Connection = serde_json::from_value(json!({
            "apiVersion": "akili.io/v1alpha1", "kind": "Connection",
            "metadata": {"name": "c"}, "spec": {"connectorType": kind, "config": config},
        }))
        .unwrap();
        refusal(connection.validate_cel())
    };
    assert_eq!(refused("postgres", json!({})), "");
    assert_eq!(refused("ftp", json!({"host": "h", "port": 21})), "");
    assert!(refused("ftp", json!({"host": "h"})).contains("needs host and port"));
}
