//! Tests of the webhook against an API server in memory.

use akili_crds::quota::GB;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::ca_bundle::CaBundle;
use super::*;
use crate::backend::kubernetes::fake::ApiServer;

const NAMESPACE: &str = "tenant-550e8400-e29b-41d4-a716-446655440000";
const TENANT: &str = "/apis/akili.io/v1alpha1/tenants/acme";
const QUOTA: &str = "/apis/akili.io/v1alpha1/tenantquotas/acme";
const SECRET: &str = "/api/v1/namespaces/akili-system/secrets/akili-operator-webhook";
const CONFIGURATION: &str =
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/akili-admission";

/// An API server with the tenant acme, ACTIVE, which has the product orders.
fn server() -> ApiServer {
    let server = ApiServer::default();
    let labels = json!({"akili.io/tenant": "acme", "akili.io/tenant-id": "550e8400-e29b-41d4-a716-446655440000"});
    server.put(
        &format!("/api/v1/namespaces/{NAMESPACE}"),
        json!({"metadata": {"name": NAMESPACE, "labels": labels}}),
    );
    server.put(
        "/api/v1/namespaces/default",
        json!({"metadata": {"name": "default"}}),
    );
    server.put(TENANT, tenant("Active"));
    server.put(
        &product_path("orders"),
        json!({"metadata": {"name": "orders"}}),
    );
    server
}

fn tenant(state: &str) -> Value {
    json!({
        "apiVersion": "akili.io/v1alpha1", "kind": "Tenant", "metadata": {"name": "acme"},
        "spec": {"displayName": "Acme", "state": state},
        "status": {"phase": "ACTIVE", "namespace": NAMESPACE},
    })
}

fn quota(max_products: i64, storage_bytes: i64) -> Value {
    json!({
        "apiVersion": "akili.io/v1alpha1", "kind": "TenantQuota", "metadata": {"name": "acme"},
        "spec": {"maxProducts": max_products, "maxStorageGb": 1},
        "status": {"used": {"products": 7, "storageBytes": storage_bytes}},
    })
}

fn product_path(name: &str) -> String {
    format!("/apis/akili.io/v1alpha1/namespaces/{NAMESPACE}/dataproducts/{name}")
}

/// Returns a question about a new product.
fn create(namespace: &str, name: &str, deployed: bool) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5", "operation": "CREATE", "namespace": namespace, "name": name,
            "kind": {"group": "akili.io", "version": "v1alpha1", "kind": "DataProduct"},
            "resource": {"group": "akili.io", "version": "v1alpha1", "resource": "dataproducts"},
            "userInfo": {}, "object": {"spec": {"namespace": "sales", "deployed": deployed}}, "oldObject": null,
        },
    })
}

/// Returns the HTTP status and the body of the webhook's answer.
async fn post(server: &ApiServer, body: String) -> (StatusCode, Vec<u8>) {
    let counts = ObjectCounts::with_products(NAMESPACE, &["orders"]);
    let (source, _) = Source::new(server.client(), counts);
    let routes = routes(Arc::new(source), Metrics::default());
    let request = Request::post("/admit").body(Body::from(body)).unwrap();
    let answer = routes.oneshot(request).await.unwrap();
    let status = answer.status();
    let body = to_bytes(answer.into_body(), MAX_BODY).await.unwrap();
    (status, body.to_vec())
}

/// Returns the reason for rejecting the request; empty if it is admitted.
async fn reason(server: &ApiServer, question: Value) -> String {
    let (status, body) = post(server, question.to_string()).await;
    assert_eq!(status, StatusCode::OK);
    let answer: Value = serde_json::from_slice(&body).unwrap();
    let response = &answer["response"];
    assert_eq!(response["uid"], "705ab4f5");
    let reason = response["status"]["reason"].as_str().unwrap_or_default();
    assert_eq!(response["allowed"], reason.is_empty());
    reason.to_owned()
}

#[tokio::test]
async fn request_is_decided_by_the_live_tenant_and_quota() {
    let server = server();
    let new = || create(NAMESPACE, "new", false);
    assert_eq!(
        reason(&server, new()).await,
        "",
        "an absent quota has the defaults"
    );
    assert_eq!(
        reason(&server, create("default", "new", false)).await,
        "TenantNotFound"
    );
    assert_eq!(
        reason(&server, create("nowhere", "new", false)).await,
        "TenantNotFound"
    );

    server.put(TENANT, tenant("Suspended"));
    assert_eq!(reason(&server, new()).await, "TenantSuspended");
    server.remove(TENANT);
    assert_eq!(reason(&server, new()).await, "TenantNotFound");
    server.put(TENANT, tenant("Active"));

    server.put(QUOTA, quota(1, GB));
    assert_eq!(reason(&server, new()).await, "QuotaExceeded");
    server.put(QUOTA, quota(2, GB));
    assert_eq!(
        reason(&server, create(NAMESPACE, "new", true)).await,
        "",
        "the webhook counts products itself"
    );
    server.put(QUOTA, quota(2, GB + 1));
    assert_eq!(
        reason(&server, create(NAMESPACE, "new", true)).await,
        "QuotaExceeded"
    );
}

#[tokio::test]
async fn name_is_taken_while_its_object_exists() {
    let server = server();
    let again = || create(NAMESPACE, "orders", false);
    assert_eq!(reason(&server, again()).await, "AlreadyExists");
    server.remove(&product_path("orders"));
    assert_eq!(
        reason(&server, again()).await,
        "",
        "the counts are updated later"
    );
}

#[tokio::test]
async fn unreadable_question_is_rejected() {
    let server = server();
    for rubbish in ["", "{}", "[1]", r#"{"request": {"uid": "1"}}"#] {
        let (status, _) = post(&server, rubbish.into()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{rubbish}");
    }
    let mut pod = create(NAMESPACE, "new", false);
    pod["request"]["resource"]["resource"] = json!("pods");
    assert_eq!(
        post(&server, pod.to_string()).await.0,
        StatusCode::BAD_REQUEST
    );
    server.put(TENANT, json!({"metadata": {"name": "acme"}, "spec": 7}));
    assert_eq!(
        reason(&server, create(NAMESPACE, "new", false)).await,
        "ServiceUnavailable"
    );
}

fn config() -> Config {
    let settings = [
        ("NAMESPACE", "akili-system"),
        ("POSTGRES__HOST", "db"),
        ("POSTGRES__DATABASE", "akili"),
        ("POSTGRES__PASSWORD", "x"),
        ("OBJECT_STORE__ENDPOINT", "https://s3"),
        ("OBJECT_STORE__BUCKET", "akili"),
        ("OBJECT_STORE__ACCESS_KEY", "x"),
        ("OBJECT_STORE__SECRET_KEY", "x"),
        ("KAFKA__BOOTSTRAP_SERVERS", "kafka:9092"),
        ("KAFKA__PASSWORD", "x"),
        ("STARROCKS__HOST", "sr"),
        ("STARROCKS__PASSWORD", "x"),
        (
            "STARROCKS__CATALOG",
            r#"{"properties": {"iceberg.catalog.type": "hadoop"}}"#,
        ),
    ];
    let environment = settings.map(|(name, value)| (format!("AKILI_{name}"), value.to_owned()));
    Config::load(None, environment.into_iter()).unwrap()
}

/// Returns the authorities that API servers verify the webhook with.
fn bundle(server: &ApiServer) -> Value {
    let configuration = server.get(CONFIGURATION).unwrap();
    configuration["webhooks"][0]["clientConfig"]["caBundle"].clone()
}

#[tokio::test(start_paused = true)]
async fn certificate_is_created_once_and_renewed_after_its_ca() {
    let server = ApiServer::default();
    server.put(
        CONFIGURATION,
        json!({"webhooks": [{"name": "admission.akili.io", "clientConfig": {}}]}),
    );
    let store = Store::new(server.client(), &config());
    let made = store.obtain().await.unwrap();
    assert_eq!(store.obtain().await.unwrap(), made, "another replica's");

    let ca_bundle = CaBundle::new(server.client(), store.clone());
    ca_bundle.reconcile().await.unwrap();
    let announced = bundle(&server);
    assert_eq!(announced, server.get(SECRET).unwrap()["data"]["ca.crt"]);

    server.take_requests();
    ca_bundle.reconcile().await.unwrap();
    assert_eq!(
        server.take_requests(),
        [format!("GET {SECRET}"), format!("GET {CONFIGURATION}")],
        "nothing to do, nothing written"
    );

    server.put(
        CONFIGURATION,
        json!({"webhooks": [{"name": "admission.akili.io", "clientConfig": {}}]}),
    );
    ca_bundle.reconcile().await.unwrap();
    assert_eq!(bundle(&server), announced, "restored after its removal");

    let mut secret = server.get(SECRET).unwrap();
    secret["metadata"]["annotations"]["akili.io/renew-after"] = json!("2026-01-01T00:00:00Z");
    server.put(SECRET, secret);
    server.take_requests();
    ca_bundle.reconcile().await.unwrap();
    let writes = server.take_requests();
    let writes: Vec<_> = writes.iter().filter(|it| !it.starts_with("GET")).collect();
    assert_eq!(
        writes,
        [&format!("PATCH {CONFIGURATION}"), &format!("PUT {SECRET}")],
        "first the bundle, then the certificate"
    );
    let renewed = store.obtain().await.unwrap();
    assert_ne!(renewed.chain, made.chain);
    assert!(
        renewed.authorities.ends_with(&made.authorities),
        "it may still be served"
    );
}
