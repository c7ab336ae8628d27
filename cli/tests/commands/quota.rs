//! `akili quota get | set`

use axum::http::Method;
use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{Akili, quota};

#[test]
fn quota_get_prints_every_form() {
    let mut exceeded = quota();
    exceeded["status"]["conditions"] = json!([{
        "type": "Exceeded", "status": "True", "reason": "StorageExceeded",
        "message": "Tenant 'acme-corp' uses 512.3/500 GB of storage. Delete data or request a \
                    quota increase.",
        "lastTransitionTime": "2026-03-16T10:00:05Z",
    }]);
    let akili = Akili::with([exceeded]);
    assert_snapshot!(akili.run_all(&[
        &["quota", "get", "acme-corp"],
        &["quota", "get", "acme-corp", "-o", "table"],
        &["quota", "get", "acme-corp", "--json"],
        &["quota", "get", "acme-corp", "-o", "yaml"],
        &["quota", "get", "nobody"],
    ]));
}

#[test]
fn quota_get_without_usage_prints_dashes() {
    let mut new = quota();
    new["status"] = json!({});
    let akili = Akili::with([new]);
    assert_snapshot!(akili.run_all(&[
        &["quota", "get", "acme-corp"],
        &["quota", "get", "acme-corp", "--json"],
    ]));
}

#[test]
fn quota_set_prints_what_changed() {
    let akili = Akili::with([quota()]);
    assert_snapshot!(akili.run_all(&[
        &[
            "quota",
            "set",
            "acme-corp",
            "--max-products",
            "200",
            "--dry-run=server"
        ],
        &[
            "quota",
            "set",
            "acme-corp",
            "--max-products",
            "200",
            "--max-storage-gb",
            "1000"
        ],
        &["quota", "set", "acme-corp", "--max-products", "200"],
        &["quota", "set", "acme-corp", "--max-products", "50"],
        &["quota", "set", "nobody", "--max-products", "50"],
    ]));
}

#[test]
fn quota_set_rejected_is_an_error() {
    let invalid = "TenantQuota.akili.io \"acme-corp\" is invalid: spec.maxProducts: Invalid value: \
                   2000000: spec.maxProducts in body should be less than or equal to 1000000";
    let akili = Akili::with([quota()]).refuse(
        Method::PATCH,
        "tenantquotas/acme-corp",
        422,
        "Invalid",
        invalid,
    );
    assert_snapshot!(akili.run(&["quota", "set", "acme-corp", "--max-products", "2000000"]));
}

#[test]
fn quota_managed_in_git_is_changed_with_a_warning() {
    let mut managed = quota();
    managed["metadata"]["managedFields"] = json!([{
        "manager": "kustomize-controller", "operation": "Apply", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:maxProducts": {}}},
    }]);
    let akili = Akili::with([managed]);
    assert_snapshot!(akili.run(&["quota", "set", "acme-corp", "--max-products", "200"]));
}
