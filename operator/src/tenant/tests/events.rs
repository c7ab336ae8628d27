//! Which Events each change of a tenant publishes, and which of them are repairs.

use std::sync::Arc;

use serde_json::json;

use super::harness::{ID, QUOTA, World};
use crate::backend::fake::Fault;
use crate::tenant::context::Context;

const FAKES: [&str; 2] = ["FakeReady: ", "OtherReady: "];

/// A change of a tenant, and the events that it publishes.
struct Case {
    name: &'static str,
    /// The states that the tenant has gone through before.
    before: &'static [&'static str],
    change: fn(&World),
    done: fn(&World) -> bool,
    /// The reason of the event of each plane, if it publishes any; then the phases.
    expected: (Option<&'static str>, Option<&'static str>),
}

const CASES: [Case; 7] = [
    Case {
        name: "provisioning",
        before: &[],
        change: |world| world.apply(json!({"displayName": "Acme", "id": ID})),
        done: |world| world.is("ACTIVE"),
        expected: (
            Some("Provisioned"),
            Some("phase changed from PROVISIONING to ACTIVE"),
        ),
    },
    Case {
        name: "suspension",
        before: &["Active"],
        change: |world| world.patch(json!({"state": "Suspended"})),
        done: |world| world.is("SUSPENDED"),
        expected: (
            Some("Suspended"),
            Some("phase changed from ACTIVE to SUSPENDED"),
        ),
    },
    Case {
        name: "reactivation",
        before: &["Active", "Suspended"],
        change: |world| world.patch(json!({"state": "Active"})),
        done: |world| world.is("ACTIVE"),
        expected: (
            Some("Reactivated"),
            Some("phase changed from SUSPENDED to ACTIVE"),
        ),
    },
    Case {
        name: "archiving",
        before: &["Active"],
        change: |world| world.patch(json!({"state": "Archived"})),
        done: |world| world.is("ARCHIVED"),
        expected: (
            Some("Archived"),
            Some("phase changed from ACTIVE to ARCHIVED"),
        ),
    },
    Case {
        name: "storage over its limit",
        before: &["Active"],
        change: |world| world.measure(2),
        done: |world| world.may("delete") && world.is("ACTIVE"),
        expected: (Some("Updated"), None),
    },
    Case {
        name: "repair by hand",
        before: &["Active"],
        change: |world| world.backends.iter().for_each(|it| it.lose("write")),
        done: |world| world.may("write"),
        expected: (Some("Repaired"), None),
    },
    Case {
        name: "another display name",
        before: &["Active"],
        change: |world| world.patch(json!({"displayName": "Acme and Sons"})),
        done: |world| world.is("ACTIVE"),
        expected: (None, None),
    },
];

/// Runs a change with the controller that brought the tenant here; it knows what it converged to.
async fn run(case: &Case, fault: Option<(usize, Fault)>) -> (World, Arc<Context>) {
    let (world, mut context) = World::with_context(case.before).await;
    world.forget_events();
    (case.change)(&world);
    if let Some((step, fault)) = fault {
        world.faults.fail_at(step, fault);
    }
    assert!(
        world.settle(&mut context, false, case.done).await,
        "{}",
        case.name
    );
    (world, context)
}

#[tokio::test(start_paused = true)]
async fn change_publishes_one_event_a_plane_with_its_reason() {
    for case in &CASES {
        let (world, _) = run(case, None).await;
        let (steps, phase) = case.expected;
        let events = world.events();
        let of_planes = |events: &[(String, String)], plane: &str| -> Vec<String> {
            let of_plane = events.iter().filter(|(_, note)| note.starts_with(plane));
            of_plane.map(|(reason, _)| reason.clone()).collect()
        };
        for fake in FAKES {
            let fakes = of_planes(&events, fake);
            assert_eq!(fakes, Vec::from_iter(steps), "{}: {events:?}", case.name);
        }
        let kubernetes = of_planes(&events, "NamespaceReady: ");
        assert!(kubernetes.len() <= 1, "{}: {events:?}", case.name);
        assert!(
            kubernetes
                .iter()
                .all(|reason| Some(reason.as_str()) == steps),
            "{}: {events:?}",
            case.name
        );
        let phases = events.iter().filter(|(reason, _)| reason == "PhaseChanged");
        let phases: Vec<&str> = phases.map(|(_, note)| note.as_str()).collect();
        assert_eq!(phases, Vec::from_iter(phase), "{}: {events:?}", case.name);
        let others = events.len() - 2 * steps.iter().len() - kubernetes.len() - phases.len();
        assert_eq!(others, 0, "{}: {events:?}", case.name);
    }
}

#[tokio::test(start_paused = true)]
async fn retried_steps_are_repaired_only_in_a_repair() {
    for case in &CASES {
        for fault in [Fault::Before, Fault::After, Fault::NoAnswer] {
            let (Some(steps), _) = case.expected else {
                continue;
            };
            for step in 0..3 {
                let (world, _) = run(case, Some((step, fault))).await;
                let events = world.events();
                for (reason, note) in &events {
                    let is_step =
                        FAKES.iter().any(|fake| note.starts_with(fake)) && note.contains(" write");
                    let is_failure = reason == "ServerError";
                    assert!(
                        !is_step || is_failure || reason == steps,
                        "{}, step {step}, {fault:?}: {events:?}",
                        case.name
                    );
                    assert_eq!(reason == "Repaired", steps == "Repaired" && is_step);
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn quota_change_is_an_update_of_the_namespace_only() {
    let (world, mut context) = World::with_context(&["Active"]).await;
    world.forget_events();
    let quota = json!({"metadata": {"name": "acme"}, "spec": {"maxProducts": 7}});
    world.server.put(QUOTA, quota);
    assert!(
        world
            .settle(&mut context, false, |world| world.is("ACTIVE"))
            .await
    );
    let note = "NamespaceReady: apply ResourceQuota akili".to_owned();
    assert_eq!(world.events(), [("Updated".to_owned(), note)]);
}

#[tokio::test(start_paused = true)]
async fn new_leader_calls_a_change_by_hand_an_update() {
    let (world, _) = World::with_context(&["Active"]).await;
    world.forget_events();
    world.backends[0].lose("write");
    let context = world.start();
    assert!(world.reconcile(&context).await);
    let note = format!("{}give write", FAKES[0]);
    assert_eq!(world.events(), [("Updated".to_owned(), note.clone())]);

    // From then on it knows what the plane converged to.
    world.forget_events();
    world.backends[0].lose("write");
    assert!(world.reconcile(&context).await);
    assert_eq!(world.events(), [("Repaired".to_owned(), note)]);
}

#[tokio::test(start_paused = true)]
async fn failing_plane_is_warned_of_once() {
    let (world, context) = World::with_context(&["Active"]).await;
    world.forget_events();
    world.backends[1].go_silent();
    for _ in 0..3 {
        assert!(world.reconcile(&context).await);
    }
    let note = format!("{}fault injected", FAKES[1]);
    assert_eq!(world.events(), [("Unreachable".to_owned(), note)]);
}
