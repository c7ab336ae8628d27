//! Fault injection: every transition of a tenant × every step of it × every way to fail, with the
//! real controller and everything else in memory. After retries everything holds the same as if
//! nothing had failed, there was at most one write more (the failed step repeated), and no write
//! follows.

use akili_crds::condition::types;
use serde_json::json;

use super::harness::{End, ID, QUOTA, TENANT, World};
use crate::backend::fake::Fault;

const RESOURCE_QUOTA: &str = "/api/v1/namespaces/\
                              tenant-550e8400-e29b-41d4-a716-446655440000/resourcequotas/akili";

/// The way in which a step fails.
#[derive(Clone, Copy, Debug)]
struct Way {
    fault: Fault,
    /// True if a new controller without memory replaces this one then.
    crash: bool,
}

const fn way(fault: Fault, crash: bool) -> Way {
    Way { fault, crash }
}

const WAYS: [Way; 6] = [
    way(Fault::Before, false),
    way(Fault::After, false),
    way(Fault::NoAnswer, false),
    way(Fault::Lost, false),
    way(Fault::NoAnswer, true),
    way(Fault::Lost, true),
];

/// A transition of a tenant.
struct Transition {
    name: &'static str,
    /// The states that the tenant goes through before.
    before: &'static [&'static str],
    /// Starts the transition.
    change: fn(&World),
    /// Returns whether the transition is complete.
    done: fn(&World) -> bool,
}

const TRANSITIONS: [Transition; 10] = [
    Transition {
        name: "create",
        before: &[],
        change: |world| world.apply(json!({"displayName": "Acme", "id": ID})),
        done: |world| world.is("ACTIVE"),
    },
    Transition {
        name: "suspend",
        before: &["Active"],
        change: |world| world.patch(json!({"state": "Suspended"})),
        done: |world| world.is("SUSPENDED"),
    },
    Transition {
        name: "reactivate",
        before: &["Active", "Suspended"],
        change: |world| world.patch(json!({"state": "Active"})),
        done: |world| world.is("ACTIVE"),
    },
    Transition {
        name: "change of the quota",
        before: &["Active"],
        change: |world| {
            let quota = json!({"metadata": {"name": "acme"}, "spec": {"maxProducts": 7}});
            world.server.put(QUOTA, quota);
        },
        done: |world| {
            let hard = world.server.get(RESOURCE_QUOTA).unwrap()["spec"]["hard"].clone();
            hard["count/dataproducts.akili.io"] == "7" && world.is("ACTIVE")
        },
    },
    Transition {
        name: "storage over its limit",
        before: &["Active"],
        change: |world| world.measure(2),
        done: |world| world.may("delete") && world.is("ACTIVE"),
    },
    Transition {
        name: "reactivate with storage over its limit",
        before: &["Active", "Suspended"],
        change: |world| {
            world.measure(2);
            world.patch(json!({"state": "Active"}));
        },
        done: |world| world.may("delete") && world.is("ACTIVE"),
    },
    Transition {
        name: "archive",
        before: &["Active"],
        change: |world| world.patch(json!({"state": "Archived"})),
        done: |world| world.is("ARCHIVED"),
    },
    Transition {
        name: "purge",
        before: &["Active", "Archived"],
        change: |world| {
            world.backends[0].fill(5);
            world.backends[1].fill(1);
            world.patch(json!({"retention": "0s"}));
        },
        done: |world| world.has(types::PURGED),
    },
    Transition {
        name: "archive and purge at once",
        before: &["Active"],
        change: |world| {
            world.backends[0].fill(3);
            world.patch(json!({"state": "Archived", "retention": "0s"}));
        },
        done: |world| world.has(types::PURGED),
    },
    Transition {
        name: "adopt",
        before: &["Active", "Suspended"],
        change: |world| world.apply(json!({"displayName": "Acme", "state": "Suspended"})),
        done: |world| world.is("SUSPENDED"),
    },
];

/// Runs the transition without a fault. Returns the end, the number of writes, and the number of
/// steps; writing the status is a step too.
async fn reference(it: &Transition) -> (End, usize, usize) {
    let world = World::after(it.before).await;
    let before = world.writes();
    world.faults.applied();
    (it.change)(&world);
    let settled = world.settle(&mut world.start(), false, it.done).await;
    assert!(settled, "{}: {:#?}", it.name, world.server.get(TENANT));
    let steps = world.faults.applied();
    (world.end(), world.writes() - before, steps)
}

/// Runs the transition with one failing step, and compares it with the reference.
async fn converges(it: &Transition, step: usize, way: Way, (end, writes): (&End, usize)) {
    let case = format!("{}, step {step}, {way:?}", it.name);
    let world = World::after(it.before).await;
    let before = world.writes();
    (it.change)(&world);
    let mut context = world.start();
    world.faults.fail_at(step, way.fault);
    let settled = world.settle(&mut context, way.crash, it.done).await;
    assert!(settled, "{case}: {:#?}", world.server.get(TENANT));
    assert!(world.faults.is_spent(), "{case}: nothing failed");
    let reached = world.end();
    assert!(reached == *end, "{case}: {reached:#?}, not {end:#?}");
    let written = world.writes() - before;
    assert!(
        written <= writes + 1,
        "{case}: {written} writes, not {writes}"
    );

    for _ in 0..2 {
        assert!(world.reconcile(&context).await);
        let requests = world.server.take_requests();
        let others = requests.iter().filter(|it| !it.starts_with("GET "));
        assert_eq!(others.count(), 0, "{case}: {requests:?}");
    }
    assert_eq!(world.writes() - before, written, "{case}");
}

#[tokio::test(start_paused = true)]
async fn every_transition_converges_after_a_fault_at_any_step() {
    let mut plans = 0;
    for it in &TRANSITIONS {
        let (end, writes, steps) = reference(it).await;
        for step in 0..steps {
            for way in WAYS {
                converges(it, step, way, (&end, writes)).await;
                plans += 1;
            }
        }
        let ways = WAYS.len();
        println!(
            "{}: {steps} steps, each failing in {ways} ways: all converged",
            it.name
        );
    }
    println!("{plans} plans run, {plans} converged");
    assert_eq!(plans, 564);
}
