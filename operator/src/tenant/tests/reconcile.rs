//! Which requests a reconcile makes, against an API server in memory.

use std::sync::Arc;

use akili_crds::Tenant;
use serde_json::json;
use sqlx::postgres::PgConnectOptions;

use super::harness::{self, QUOTA, TENANT, World, key, lead, reason, reconcile_acme, tenant};
use crate::backend::fake::{Fake, RecordingGuard, all_states};
use crate::backend::kubernetes::fake::ApiServer;
use crate::backend::postgres::client as database;
use crate::backend::{Guard, Outcome};
use crate::backoff::Readable;
use crate::error::Reason;
use crate::metrics::Metrics;
use crate::tenant::context::Context;
use crate::tenant::guard::LiveGuard;
use crate::tenant::reconcile::reconcile;
use crate::tenant::registry::Registry;

const WRITER: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/\
                      tenant-550e8400-e29b-41d4-a716-446655440000/rolebindings/akili-tenant-writer";
const NAMESPACE: &str = "/api/v1/namespaces/tenant-550e8400-e29b-41d4-a716-446655440000";

/// Creates a cluster in which acme is ACTIVE, and a leading operator, without PostgreSQL.
async fn active_acme() -> (ApiServer, Arc<Context>) {
    let server = ApiServer::default();
    server.put(TENANT, tenant("Active", "ACTIVE"));
    let quota = json!({"metadata": {"name": "acme"}, "spec": {}});
    server.put(QUOTA, quota);
    lead(&server, "us");

    let [writable, ..] = all_states();
    let nowhere = database::Client::new(
        PgConnectOptions::new().host("127.0.0.1").port(1),
        1,
        Metrics::default(),
    );
    let registry = Registry::new(nowhere, uuid::Uuid::new_v4());
    let plane = Arc::new(Fake::holding(&writable));
    let context = harness::context(&server, Arc::new(registry), [plane]);
    let opened = context.planes[0]
        .converge(&key(), &writable, &RecordingGuard::default())
        .await;
    assert_eq!(opened.outcome, Outcome::Converged { notice: None });
    server.take_requests();
    (server, context)
}

fn writes(requests: &[String]) -> Vec<&String> {
    requests.iter().filter(|r| !r.starts_with("GET ")).collect()
}

#[tokio::test]
async fn converged_tenant_costs_eleven_reads_and_no_write() {
    let (server, context) = active_acme().await;
    reconcile_acme(&server, &context).await.unwrap();
    let first = server.take_requests();
    assert_eq!(writes(&first), [&format!("PATCH {TENANT}/status")]);

    reconcile_acme(&server, &context).await.unwrap();
    let second = server.take_requests();
    assert_eq!(writes(&second), Vec::<&String>::new());
    assert_eq!(second.len(), 11, "the quota and ten objects: {second:?}");
}

#[tokio::test(start_paused = true)]
async fn tenant_is_suspended_while_the_registry_is_down() {
    let (server, context) = active_acme().await;
    server.put(TENANT, tenant("Suspended", "ACTIVE"));
    reconcile_acme(&server, &context).await.unwrap();
    assert_eq!(server.get(WRITER), None);
    let namespace = server.get(NAMESPACE).unwrap();
    assert_eq!(
        namespace["metadata"]["labels"]["akili.io/state"],
        "SUSPENDED"
    );
    assert_eq!(server.get(TENANT).unwrap()["status"]["phase"], "SUSPENDED");
}

#[tokio::test(start_paused = true)]
async fn tenant_is_not_opened_while_the_registry_is_down() {
    let (server, context) = active_acme().await;
    server.remove(WRITER);
    reconcile_acme(&server, &context).await.unwrap();
    assert_eq!(server.get(WRITER), None);
    let status = server.get(TENANT).unwrap()["status"].clone();
    assert_eq!(status["phase"], "ACTIVE");
    assert_eq!(reason(&server, "NamespaceReady"), "RegistryUnavailable");
}

#[tokio::test]
async fn active_tenant_stays_active_when_the_cache_is_stale() {
    let (server, context) = active_acme().await;
    let old = serde_json::from_value(tenant("Active", "PROVISIONING")).unwrap();
    reconcile(Arc::new(old), context).await.unwrap();
    let requests = server.take_requests();
    assert_eq!(writes(&requests), [&format!("PATCH {TENANT}/status")]);
    let namespace = server.get(NAMESPACE).unwrap();
    assert_eq!(namespace["metadata"]["labels"]["akili.io/state"], "ACTIVE");
}

#[tokio::test]
async fn nothing_is_closed_after_losing_lease_or_tenant_changed() {
    for (holder, live) in [("another", "Suspended"), ("us", "Active")] {
        let (server, context) = active_acme().await;
        lead(&server, holder);
        server.put(TENANT, tenant(live, "ACTIVE"));
        let known: Readable<Tenant> =
            serde_json::from_value(tenant("Suspended", "ACTIVE")).unwrap();
        let key = key();
        let guard = LiveGuard::new(&context, &key, known.0.as_ref().unwrap());
        assert!(guard.permit_closing().await.is_err(), "{holder}, {live}");
        let reconciled = reconcile(Arc::new(known), context.clone()).await;
        assert_eq!(reconciled.is_ok(), holder == "us", "{live}");
        assert!(server.get(WRITER).is_some(), "{holder}, {live}");
    }
}

#[tokio::test]
async fn nothing_is_written_or_opened_after_losing_the_lease() {
    for states in [&[][..], &["Active"], &["Active", "Suspended"]] {
        let world = World::after(states).await;
        lead(&world.server, "another");
        world.apply(json!({"displayName": "Acme", "id": harness::ID}));
        let before = world.writes();
        let context = world.start();
        let lost = reconcile_acme(&world.server, &context).await.unwrap_err();
        assert_eq!(lost.reason, Reason::LeaseLost, "{states:?}");
        assert_eq!(world.writes(), before, "{states:?}");
        let status = &world.server.get(TENANT).unwrap()["status"];
        assert!(status.is_null(), "{states:?}: {status}");
    }
}

#[tokio::test]
async fn malformed_tenant_is_an_error_and_nothing_is_written() {
    let (server, context) = active_acme().await;
    let mut malformed = tenant("Active", "ACTIVE");
    malformed["spec"]["state"] = json!("Sleeping");
    let malformed = serde_json::from_value(malformed).unwrap();
    let error = reconcile(Arc::new(malformed), context).await.unwrap_err();
    assert!(
        error.message.starts_with("Tenant acme can't be read: "),
        "{error}"
    );
    assert_eq!(writes(&server.take_requests()), Vec::<&String>::new());
}
