//! `akili product create` and `akili connection create`, in the namespace of the context

use axum::http::Method;
use insta::assert_snapshot;

use crate::harness::{Akili, NAMESPACE, active, archived, namespace, tenant};

const PRODUCT: &[&str] = &[
    "product",
    "create",
    "--name",
    "orders",
    "--namespace",
    "sales",
];
const CONNECTION: &[&str] = &[
    "connection",
    "create",
    "--name",
    "orders-db",
    "--connector-type",
    "postgres",
    "--config",
    "{\"host\": \"db.example.com\", \"port\": 5432}",
];

fn with<'a>(command: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [command, more].concat()
}

#[test]
fn product_create_prints_what_it_did() {
    let akili = Akili::with([active(), namespace()]);
    assert_snapshot!(akili.run_all(&[
        &with(PRODUCT, &["--dry-run=server"]),
        &with(PRODUCT, &["--description", "Orders by customer", "--json"]),
        PRODUCT,
    ]));
}

#[test]
fn connection_create_prints_what_it_did() {
    let akili = Akili::with([active(), namespace()]);
    assert_snapshot!(akili.run_all(&[
        &with(CONNECTION, &["--secret", "orders-db", "--dry-run=server"]),
        &with(CONNECTION, &["--secret", "orders-db"]),
        &with(CONNECTION, &["--json"]),
    ]));
}

#[test]
fn problem_of_the_webhook_is_printed() {
    let mut shown = String::new();
    for (code, reason, title, detail) in [
        (
            429,
            "QuotaExceeded",
            "Product limit reached",
            "Tenant 'acme-corp' has 100/100 products. Delete existing products or request a quota increase.",
        ),
        (
            409,
            "AlreadyExists",
            "Product exists",
            "Product 'orders' already exists. Change it, or choose another name.",
        ),
        (
            403,
            "TenantSuspended",
            "Tenant suspended",
            "Tenant 'acme-corp' is suspended and read-only. Ask an administrator to reactivate it.",
        ),
    ] {
        let akili =
            Akili::with([active(), namespace()]).deny("dataproducts", code, reason, title, detail);
        shown += &akili.run_all(&[PRODUCT, &with(PRODUCT, &["--json"])]);
    }
    assert_snapshot!(shown);
}

#[test]
fn problem_of_the_resource_quota_is_the_same() {
    let path = format!("namespaces/{NAMESPACE}/connections");
    let exceeded = "connections.akili.io \"orders-db\" is forbidden: exceeded quota: akili, \
                    requested: count/connections.akili.io=1, used: count/connections.akili.io=20, \
                    limited: count/connections.akili.io=20";
    let akili = Akili::with([active(), namespace()]).refuse(
        Method::POST,
        &path,
        403,
        "Forbidden",
        exceeded,
    );
    assert_snapshot!(akili.run_all(&[CONNECTION, &with(CONNECTION, &["--json"])]));
}

#[test]
fn problem_of_rbac_is_the_state_of_the_tenant() {
    let path = format!("namespaces/{NAMESPACE}/dataproducts");
    let forbidden = format!(
        "dataproducts.akili.io is forbidden: User \"dev@acme-corp.com\" cannot create resource \
         \"dataproducts\" in API group \"akili.io\" in the namespace \"{NAMESPACE}\""
    );
    let mut shown = String::new();
    for tenant in [archived(), tenant("Suspended", "SUSPENDED", &[]), active()] {
        let akili = Akili::with([tenant, namespace()]).refuse(
            Method::POST,
            &path,
            403,
            "Forbidden",
            &forbidden,
        );
        shown += &akili.run_all(&[PRODUCT, &with(PRODUCT, &["--json"])]);
    }
    assert_snapshot!(shown);
}

#[test]
fn product_create_invalid_or_misplaced_is_an_error() {
    let path = format!("namespaces/{NAMESPACE}/dataproducts");
    let mut shown = String::new();
    for (code, reason, message) in [
        (
            422,
            "Invalid",
            "DataProduct.akili.io \"orders\" is invalid: spec.namespace: Invalid value: \"Sales\"",
        ),
        (
            404,
            "NotFound",
            "namespaces \"tenant-550e8400-e29b-41d4-a716-446655440000\" not found",
        ),
        (401, "Unauthorized", "Unauthorized"),
    ] {
        let akili = Akili::with([]).refuse(Method::POST, &path, code, reason, message);
        shown += &akili.run(PRODUCT);
    }
    assert_snapshot!(shown);
}
