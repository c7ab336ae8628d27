//! Clusters that can't be reached, or that aren't a platform.

use axum::http::Method;
use insta::assert_snapshot;

use crate::harness::{Akili, NAMESPACE, active};

#[test]
fn cluster_unreachable_is_an_error_with_a_hint() {
    let akili = Akili::with([]);
    // Nothing listens on port 1.
    akili.configure("http://127.0.0.1:1", NAMESPACE);
    assert_snapshot!(akili.run_all(&[
        &["tenant", "get", "acme-corp"],
        &["tenant", "list"],
        &["quota", "get", "acme-corp"],
        &[
            "product",
            "create",
            "--name",
            "orders",
            "--namespace",
            "sales"
        ],
    ]));
}

#[test]
fn kubeconfig_missing_is_an_error_with_a_hint() {
    let akili = Akili::with([]);
    akili.forget_cluster();
    assert_snapshot!(akili.run(&["tenant", "list"]));
}

#[test]
fn cluster_without_the_operator_is_an_error_with_a_hint() {
    let unknown = "the server could not find the requested resource";
    let akili = Akili::with([])
        .refuse(Method::GET, "tenants/acme-corp", 404, "NotFound", unknown)
        .refuse(Method::GET, "tenantquotas", 404, "NotFound", unknown);
    assert_snapshot!(akili.run_all(&[&["tenant", "get", "acme-corp"], &["tenant", "list"]]));
}

#[test]
fn access_denied_exits_with_4() {
    let forbidden = "tenants.akili.io \"acme-corp\" is forbidden: User \"dev@acme-corp.com\" cannot \
                     get resource \"tenants\" in API group \"akili.io\" at the cluster scope";
    let akili = Akili::with([active()])
        .refuse(
            Method::GET,
            "tenants/acme-corp",
            403,
            "Forbidden",
            forbidden,
        )
        .refuse(
            Method::GET,
            "tenantquotas/acme-corp",
            401,
            "Unauthorized",
            "Unauthorized",
        )
        .refuse(Method::POST, "tenants", 403, "Forbidden", forbidden);
    assert_snapshot!(akili.run_all(&[
        &["tenant", "get", "acme-corp", "--json"],
        &["tenant", "suspend", "acme-corp", "--confirm"],
        &[
            "tenant",
            "create",
            "acme-corp",
            "--display-name",
            "Acme Corporation"
        ],
        &["quota", "get", "acme-corp"],
        &["quota", "set", "acme-corp", "--max-products", "1"],
    ]));
}
