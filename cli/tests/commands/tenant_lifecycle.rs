//! `akili tenant suspend | reactivate | archive | purge`

use axum::http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{Akili, READY, active, archived, tenant};

/// Returns the same Tenant at the generation after a patch.
fn patched(mut tenant: Value) -> Value {
    tenant["metadata"]["generation"] = json!(4);
    tenant["status"]["observedGeneration"] = json!(4);
    for condition in tenant["status"]["conditions"].as_array_mut().unwrap() {
        condition["observedGeneration"] = json!(4);
    }
    tenant
}

#[test]
fn tenant_suspend_asks_for_confirmation_first() {
    let akili = Akili::with([active()]);
    assert_snapshot!(akili.run_all(&[
        &["tenant", "suspend", "acme-corp"],
        &["tenant", "suspend", "acme-corp", "--dry-run=server"],
        &["tenant", "suspend", "acme-corp", "--confirm"],
        &["tenant", "suspend", "acme-corp", "--confirm"],
        &["tenant", "suspend", "nobody", "--confirm"],
    ]));
}

#[test]
fn tenant_suspend_waits_until_reached() {
    let suspended = patched(tenant("Suspended", "SUSPENDED", &[READY]));
    let akili = Akili::with([active()]).change([suspended]);
    assert_snapshot!(akili.run(&["tenant", "suspend", "acme-corp", "--confirm", "--wait"]));
}

#[test]
fn tenant_reactivate_prints_what_it_did() {
    let akili = Akili::with([tenant("Suspended", "SUSPENDED", &[READY])]);
    let mut shown = akili.run_all(&[
        &["tenant", "reactivate", "acme-corp", "--dry-run=server"],
        &["tenant", "reactivate", "acme-corp"],
    ]);
    shown += &Akili::with([active()]).run(&["tenant", "reactivate", "acme-corp"]);
    assert_snapshot!(shown);
}

#[test]
fn tenant_archived_refuses_other_states() {
    let mut purged = archived();
    purged["status"]["purgedAt"] = json!("2026-06-14T10:01:00Z");
    let akili = Akili::with([archived()]);
    let mut shown = akili.run_all(&[
        &["tenant", "reactivate", "acme-corp"],
        &["tenant", "suspend", "acme-corp", "--confirm"],
        &["tenant", "archive", "acme-corp", "--confirm"],
    ]);
    shown += &Akili::with([purged]).run(&["tenant", "reactivate", "acme-corp"]);
    assert_snapshot!(shown);
}

#[test]
fn tenant_archive_names_the_retention() {
    let mut kept = active();
    kept["spec"]["retention"] = json!("720h");
    let mut lost = active();
    lost["spec"]["retention"] = json!("0s");
    let mut shown = Akili::with([active()]).run_all(&[
        &["tenant", "archive", "acme-corp"],
        &["tenant", "archive", "acme-corp", "--confirm"],
    ]);
    shown += &Akili::with([kept]).run(&["tenant", "archive", "acme-corp"]);
    shown += &Akili::with([lost]).run(&["tenant", "archive", "acme-corp"]);
    assert_snapshot!(shown);
}

#[test]
fn tenant_purge_requires_an_archived_tenant() {
    let purged = ("Purged", "True", "Purged", "nothing is left");
    let purged = tenant("Archived", "ARCHIVED", &[READY, purged]);
    let mut shown = Akili::with([active()]).run(&["tenant", "purge", "acme-corp", "--confirm"]);
    let akili = Akili::with([archived()]).change([purged.clone()]);
    shown += &akili.run_all(&[
        &["tenant", "purge", "acme-corp"],
        &["tenant", "purge", "acme-corp", "--confirm", "--wait"],
    ]);
    shown += &Akili::with([purged]).run(&["tenant", "purge", "acme-corp", "--confirm"]);
    assert_snapshot!(shown);
}

#[test]
fn tenant_managed_in_git_is_changed_with_a_warning() {
    let mut tenant = active();
    tenant["metadata"]["managedFields"] = json!([{
        "manager": "argocd-controller", "operation": "Apply", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:state": {}}},
    }]);
    let akili = Akili::with([tenant]);
    assert_snapshot!(akili.run(&["tenant", "suspend", "acme-corp", "--confirm"]));
}

#[test]
fn tenant_suspend_conflict_is_an_error() {
    let conflict = "Operation cannot be fulfilled on tenants.akili.io \"acme-corp\": the object has \
                    been modified; please apply your changes to the latest version and try again";
    let akili = Akili::with([active()]).refuse(
        Method::PATCH,
        "tenants/acme-corp",
        409,
        "Conflict",
        conflict,
    );
    assert_snapshot!(akili.run(&["tenant", "suspend", "acme-corp", "--confirm"]));
}
