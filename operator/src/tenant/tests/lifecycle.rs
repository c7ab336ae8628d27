//! Retention, purge, and Tenants that are recreated.

use std::sync::Arc;
use std::time::Duration;

use akili_crds::Tenant;
use akili_crds::condition::types;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::harness::{self, ID, QUOTA, TENANT, World, lead, reason};
use crate::backend::Guard;
use crate::backoff::Readable;
use crate::tenant::context::Context;
use crate::tenant::guard::LiveGuard;
use crate::tenant::reconcile::reconcile;

const NAMESPACE: &str = "/api/v1/namespaces/tenant-550e8400-e29b-41d4-a716-446655440000";

/// Creates a tenant that is archived for an hour, with some data in each backend.
async fn archived() -> World {
    let world = World::after(&["Active", "Archived"]).await;
    world.backends.iter().for_each(|backend| backend.fill(3));
    world.writes();
    world
}

/// Creates a purged tenant.
async fn purged() -> World {
    let world = archived().await;
    world.patch(json!({"retention": "0s"}));
    let done = |world: &World| world.has(types::PURGED);
    assert!(world.settle(&mut world.start(), false, done).await);
    world.writes();
    world
}

fn data(world: &World) -> [usize; 2] {
    [0, 1].map(|n: usize| world.backends[n].held().data)
}

fn status(world: &World, field: &str) -> Value {
    world.server.get(TENANT).unwrap()["status"][field].clone()
}

/// Reconciles, and returns when the next reconcile is due, if one is scheduled.
async fn next(world: &World, context: &Arc<Context>) -> Option<Duration> {
    let action = harness::reconcile_acme(&world.server, context)
        .await
        .unwrap();
    let text = format!("{action:?}");
    let seconds = text.split("Some(").nth(1)?.split(')').next()?;
    let unit = |unit: &str| {
        seconds
            .strip_suffix(unit)
            .and_then(|n| n.parse::<f64>().ok())
    };
    let seconds = unit("ms")
        .map(|ms| ms / 1000.0)
        .or(unit("ns"))
        .or(unit("s"));
    Some(Duration::from_secs_f64(seconds.unwrap()))
}

#[tokio::test(start_paused = true)]
async fn data_is_kept_until_the_retention_ends_then_purged() {
    let world = archived().await;
    let context = world.start();
    world.reconcile(&context).await;
    assert_eq!(reason(&world.server, types::PURGED), "Kept");

    world.registry.pass(3599 - 300);
    let wait = next(&world, &context).await.unwrap();
    assert!(wait <= Duration::from_secs(301), "{wait:?}");
    assert_eq!(data(&world), [3, 3]);

    world.registry.pass(301);
    assert_eq!(next(&world, &context).await, Some(Duration::ZERO));
    assert_eq!(data(&world), [1, 1], "a page is gone");
    assert_eq!(reason(&world.server, types::PURGED), "Purging");
    assert_eq!(reason(&world.server, types::READY), "Purging");
    assert!(
        world.server.get(NAMESPACE).is_some(),
        "the namespace goes last"
    );

    assert_eq!(next(&world, &context).await, None);
    assert_eq!(data(&world), [0, 0]);
    assert!(world.has(types::PURGED) && world.has(types::READY));
    assert_eq!(world.server.get(NAMESPACE), None);
    assert_eq!(status(&world, "phase"), "ARCHIVED");
    assert!(status(&world, "purgedAt").is_string());
    assert!(world.registry.acme().unwrap().purged_at.is_some());
}

#[tokio::test(start_paused = true)]
async fn purged_tenant_costs_no_request() {
    let world = purged().await;
    let context = world.start();
    world.registry.go_down(true);
    context.leadership.confirm().await.unwrap();
    world.server.take_requests();
    assert_eq!(next(&world, &context).await, None);
    assert_eq!(world.server.take_requests(), Vec::<String>::new());

    world.patch(json!({"displayName": "Acme that was"}));
    assert_eq!(next(&world, &context).await, None);
    let requests = world.server.take_requests();
    assert_eq!(requests, [format!("PATCH {TENANT}/status")]);
    let generation = world.server.get(TENANT).unwrap()["metadata"]["generation"].clone();
    assert_eq!(status(&world, "observedGeneration"), generation);
    assert!(world.has(types::PURGED));
}

#[tokio::test(start_paused = true)]
async fn only_spec_retention_moves_the_purge_date() {
    let world = archived().await;
    let until = || world.registry.acme().unwrap().purge_after.unwrap().0;
    let first = until();

    let mut other_default = Arc::into_inner(world.start()).unwrap();
    other_default.retention = Duration::from_secs(1);
    world.reconcile(&Arc::new(other_default)).await;
    assert_eq!(until(), first);

    world.patch(json!({"retention": "2h"}));
    world.reconcile(&world.start()).await;
    assert_eq!(until(), first + Duration::from_secs(3600));
    let written: Timestamp = serde_json::from_value(status(&world, "purgeAfter")).unwrap();
    assert_eq!(written, until());
    assert_eq!(data(&world), [3, 3]);
}

#[tokio::test(start_paused = true)]
async fn stale_tenant_object_destroys_nothing() {
    let world = archived().await;
    world.patch(json!({"retention": "0s"}));
    world.reconcile(&world.start()).await;
    let begun = data(&world);
    assert_eq!(begun, [1, 1]);
    let old: Readable<Tenant> = serde_json::from_value(world.server.get(TENANT).unwrap()).unwrap();
    world.server.take_requests();

    for (reason, change) in [
        (
            "its retention was prolonged",
            json!({"spec": {"retention": "9h"}}),
        ),
        (
            "it is another object",
            json!({"metadata": {"uid": "2"}, "spec": {"retention": "9h"}}),
        ),
    ] {
        let mut live = serde_json::to_value(old.0.as_ref().unwrap()).unwrap();
        for (part, fields) in change.as_object().unwrap() {
            let fields = fields.as_object().unwrap().clone();
            live[part].as_object_mut().unwrap().extend(fields);
        }
        world.server.put(TENANT, live);
        let context = world.start();
        refuses_to_destroy(&old, &context, reason).await;
        // The reconcile may end in an error: the registry's row has another purge date by then.
        let _ = reconcile(Arc::new(old.clone()), context).await;
        assert_eq!(data(&world), begun, "{reason}");
    }
    world.server.remove(TENANT);
    let context = world.start();
    refuses_to_destroy(&old, &context, "it was deleted").await;
    reconcile(Arc::new(old.clone()), context).await.unwrap();
    assert_eq!(data(&world), begun, "it was deleted");
    let deleted = world.server.take_requests();
    assert!(
        !deleted.iter().any(|it| it.starts_with("DELETE ")),
        "{deleted:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn deleted_tenant_gets_no_quota() {
    let world = World::after(&["Active"]).await;
    let old: Readable<Tenant> = serde_json::from_value(world.server.get(TENANT).unwrap()).unwrap();
    world.server.remove(TENANT);
    world.server.remove(QUOTA);
    let before = world.writes();
    // The error doesn't matter: there is no Tenant whose status could report it.
    let _ = reconcile(Arc::new(old), world.start()).await;
    assert_eq!(world.writes(), before);
    assert_eq!(world.server.get(QUOTA), None);
}

/// Asserts that the guard of a reconcile that began with `old` refuses.
async fn refuses_to_destroy(old: &Readable<Tenant>, context: &Context, reason: &str) {
    let key = harness::key();
    let guard = LiveGuard::new(context, &key, old.0.as_ref().unwrap());
    assert!(guard.permit_destroying().await.is_err(), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_destroyed_after_losing_the_lease() {
    let world = archived().await;
    world.patch(json!({"retention": "0s"}));
    lead(&world.server, "another");
    world.reconcile(&world.start()).await;
    assert_eq!(data(&world), [3, 3]);
}

#[tokio::test(start_paused = true)]
async fn purge_waits_for_the_registry_and_recreates_nothing() {
    let world = archived().await;
    world.patch(json!({"retention": "0s"}));
    let context = world.start();
    world.reconcile(&context).await;
    let before = world.writes();
    world.registry.go_down(true);
    world.reconcile(&context).await;
    assert_eq!(reason(&world.server, types::READY), "RegistryUnavailable");
    assert_eq!(world.writes(), before);
    world.registry.go_down(false);
    world.reconcile(&context).await;
    assert!(world.has(types::PURGED));
}

#[tokio::test(start_paused = true)]
async fn suspension_waits_only_briefly_for_a_silent_registry() {
    let world = World::after(&["Active"]).await;
    let context = world.start();
    world.registry.fall_silent();
    world.patch(json!({"state": "Suspended"}));
    let began = tokio::time::Instant::now();
    assert!(world.reconcile(&context).await);
    assert!(began.elapsed() < Duration::from_secs(2));
    assert!(world.may("read") && !world.may("write"));
}

#[tokio::test(start_paused = true)]
async fn tenant_created_suspended_waits_for_registry() {
    let world = World::after(&[]).await;
    world.apply(json!({"displayName": "Acme", "state": "Suspended"}));
    let context = world.start();
    world.registry.fall_silent();
    assert!(!world.reconcile(&context).await);
}

/// Recreates the Tenant. Returns the reason of its condition Stalled; empty if it isn't stalled.
async fn recreated(world: &World, spec: Value) -> String {
    let mut spec = spec;
    spec["displayName"] = json!("Acme");
    world.apply(spec);
    world.reconcile(&world.start()).await;
    if world.has(types::STALLED) {
        reason(&world.server, types::STALLED)
    } else {
        String::new()
    }
}

#[tokio::test(start_paused = true)]
async fn recreated_tenant_finds_its_own_resources() {
    let other = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
    for (reason, spec, expected) in [
        ("without an id", json!({}), ""),
        ("with its id", json!({"id": ID}), ""),
        ("with another id", json!({"id": other}), "IdConflict"),
    ] {
        let world = World::after(&["Active"]).await;
        let before = world.writes();
        assert_eq!(recreated(&world, spec).await, expected, "{reason}");
        // At most the label of the namespace, which is open already, is written again.
        assert!(world.writes() <= before + 1, "{reason}");
        if expected.is_empty() {
            assert_eq!(status(&world, "id"), ID, "{reason}");
            assert!(world.is("ACTIVE"), "{reason}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn recreated_tenant_does_not_open_what_was_archived() {
    for spec in [json!({}), json!({"id": ID}), json!({"state": "Suspended"})] {
        let world = archived().await;
        let before = world.writes();
        assert_eq!(recreated(&world, spec).await, "TenantArchived");
        assert_eq!(world.writes(), before);
    }
    let world = archived().await;
    let archived = json!({"state": "Archived", "retention": "0s"});
    assert_eq!(recreated(&world, archived).await, "");
    let done = |world: &World| world.has(types::PURGED);
    assert!(world.settle(&mut world.start(), false, done).await);
    assert_eq!(data(&world), [0, 0]);
}

#[tokio::test(start_paused = true)]
async fn restored_cluster_closes_a_tenant_archived_since() {
    let world = World::after(&["Active"]).await;
    let backup = world.server.objects();
    let mut context = world.start();
    world.patch(json!({"state": "Archived"}));
    let archived = |world: &World| world.is("ARCHIVED");
    assert!(world.settle(&mut context, false, archived).await);
    let closed = world.backends[0].held();
    for (path, object) in backup {
        world.server.put(&path, object);
    }

    let mut context = world.start();
    let stalled = |world: &World| reason(&world.server, types::STALLED) == "TenantArchived";
    assert!(world.settle(&mut context, false, stalled).await);
    let closed_everywhere = |world: &World| status(world, "phase") == "ARCHIVED";
    assert!(world.settle(&mut context, false, closed_everywhere).await);
    assert_eq!(reason(&world.server, types::READY), "TenantArchived");
    assert!(!world.has(types::READY));
    world.registry.pass(2 * 3600);
    world.reconcile(&context).await;
    assert_eq!(
        world.registry.acme().unwrap().purged_at,
        None,
        "the Tenant still wants to live"
    );

    world.patch(json!({"state": "Archived", "retention": "9999h"}));
    assert!(world.settle(&mut context, false, archived).await);
    assert_eq!(world.backends[0].held(), closed);
    let mut objects = world.server.objects().into_keys();
    assert!(!objects.any(|path| path.contains("/rolebindings/akili-tenant")));
}

#[tokio::test(start_paused = true)]
async fn slug_of_a_purged_tenant_stays_retired() {
    for spec in [json!({}), json!({"id": ID}), json!({"state": "Archived"})] {
        let world = purged().await;
        let before = world.writes();
        assert_eq!(recreated(&world, spec).await, "SlugRetired");
        assert_eq!(world.writes(), before);
        assert_eq!(status(&world, "id"), Value::Null);
    }
}

#[tokio::test(start_paused = true)]
async fn purged_tenant_is_reported_after_its_status_was_lost() {
    let world = purged().await;
    let mut tenant = world.server.get(TENANT).unwrap();
    tenant["status"]["conditions"] = json!([]);
    world.server.put(TENANT, tenant);
    world.reconcile(&world.start()).await;
    assert!(world.has(types::PURGED) && world.has(types::READY));
    assert_eq!(status(&world, "phase"), "ARCHIVED");
}
