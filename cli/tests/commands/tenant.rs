//! `akili tenant create | get | list`

use axum::http::Method;
use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{Akili, READY, active, new_tenant, quota, tenant};

#[test]
fn tenant_get_prints_every_form() {
    let akili = Akili::with([active(), quota()]);
    assert_snapshot!(akili.run_all(&[
        &["tenant", "get", "acme-corp"],
        &["tenant", "get", "acme-corp", "--json"],
        &["tenant", "get", "acme-corp", "-o", "json"],
        &["tenant", "get", "acme-corp", "-o", "table"],
        &["tenant", "get", "acme-corp", "-o", "wide"],
        &["tenant", "get", "acme-corp", "-o", "yaml"],
        &["tenant", "get", "acme-corp", "-o", "name"],
        &["tenant", "get", "nobody"],
        &["tenant", "get", "nobody", "--json"],
    ]));
}

#[test]
fn tenant_get_without_status_prints_dashes() {
    let akili = Akili::with([new_tenant("acme-corp")]);
    assert_snapshot!(akili.run_all(&[
        &["tenant", "get", "acme-corp"],
        &["tenant", "get", "acme-corp", "--json"],
        &["tenant", "get", "acme-corp", "-o", "wide"],
    ]));
}

#[test]
fn tenant_list_prints_every_form() {
    let akili = Akili::with([active(), new_tenant("initech"), quota()]);
    assert_snapshot!(akili.run_all(&[
        &["tenant", "list"],
        &["tenant", "list", "-o", "wide"],
        &["tenant", "list", "-o", "name"],
        &["tenant", "list", "-o", "yaml"],
        &["tenant", "list", "--json", "--state", "active"],
        &["tenant", "list", "--state", "PROVISIONING"],
        &["tenant", "list", "--state", "SUSPENDED"],
        &["tenant", "list", "--state", "SUSPENDED", "--json"],
    ]));
}

#[test]
fn tenant_create_prints_what_it_did() {
    let invalid = "Tenant.akili.io \"invalid\" is invalid: spec.displayName: Invalid value";
    let akili = Akili::with([]);
    let mut shown = akili.run_all(&[
        &[
            "tenant",
            "create",
            "acme-corp",
            "--display-name",
            "Acme",
            "--dry-run=server",
        ],
        &[
            "tenant",
            "create",
            "acme-corp",
            "--display-name",
            "Acme Corporation",
        ],
        &[
            "tenant",
            "create",
            "acme-corp",
            "--display-name",
            "Acme Corporation",
        ],
    ]);
    let akili = akili.refuse(Method::POST, "tenants", 422, "Invalid", invalid);
    shown += &akili.run(&["tenant", "create", "invalid", "--display-name", ""]);
    assert_snapshot!(shown);
}

#[test]
fn tenant_create_waits_and_shows_progress() {
    let mut early = tenant(
        "Active",
        "PROVISIONING",
        &[(
            "TopicsReady",
            "False",
            "Unavailable",
            "Kafka did not answer",
        )],
    );
    early["status"]["conditions"][0]["observedGeneration"] = json!(1);
    early["metadata"]["generation"] = json!(1);
    let late = tenant(
        "Active",
        "PROVISIONING",
        &[("TopicsReady", "True", "Reached", "4 ACLs are in place")],
    );
    let done = tenant("Active", "ACTIVE", &[READY]);
    let akili = Akili::with([]).change([early.clone(), early, late, done]);
    assert_snapshot!(akili.run(&[
        "tenant",
        "create",
        "acme-corp",
        "--display-name",
        "Acme Corporation",
        "--wait",
    ]));
}

#[test]
fn tenant_wait_reports_what_is_late() {
    let late = [
        (
            "TopicsReady",
            "False",
            "Unavailable",
            "Kafka did not answer",
        ),
        ("Ready", "False", "Unavailable", "TopicsReady is False"),
    ];
    let akili = Akili::with([tenant("Active", "PROVISIONING", &late)]);
    let mut shown = akili.run_all(&[
        &[
            "tenant",
            "wait",
            "acme-corp",
            "--for",
            "active",
            "--timeout",
            "2s",
        ],
        &[
            "tenant",
            "wait",
            "acme-corp",
            "--for",
            "SUSPENDED",
            "--timeout",
            "2s",
        ],
        &["tenant", "wait", "acme-corp", "--for", "PROVISIONING"],
        &["tenant", "wait", "nobody", "--for", "ACTIVE"],
    ]);
    let new = Akili::with([new_tenant("acme-corp")]);
    shown += &new.run(&[
        "tenant",
        "wait",
        "acme-corp",
        "--for",
        "ACTIVE",
        "--timeout",
        "2s",
    ]);
    shown += &akili.hang().run(&[
        "tenant",
        "wait",
        "acme-corp",
        "--for",
        "ACTIVE",
        "--timeout",
        "1s",
    ]);
    assert_snapshot!(shown);
}

#[test]
fn tenant_wait_ends_when_the_tenant_is_deleted() {
    let provisioning = tenant("Active", "PROVISIONING", &[]);
    let mut gone = provisioning.clone();
    gone["metadata"]["deletionTimestamp"] = json!("2026-03-16T10:00:00Z");
    let akili = Akili::with([provisioning]).change([gone]);
    assert_snapshot!(akili.run(&["tenant", "wait", "acme-corp", "--for", "ACTIVE"]));
}
