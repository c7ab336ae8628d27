//! Every move of a tenant's life × every step of it × every way to fail, with the
//! controller as it is and what it works with in memory. Tried again, all of it holds the
//! same as if nothing had failed, was written to no more often than that takes and the
//! failed step repeated, and isn't written to any more.

use akili_crds::condition::types;
use serde_json::json;

use super::harness::{End, ID, QUOTA, TENANT, World};
use crate::backend::fake::Fault;

const RESOURCE_QUOTA: &str = "/api/v1/namespaces/\
                              tenant-550e8400-e29b-41d4-a716-446655440000/resourcequotas/akili";

/// In which way a step fails.
#[derive(Clone, Copy, Debug)]
struct Way {
    fault: Fault,
    /// Whether the controller dies there, and another begins with nothing in mind.
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

/// A move of a tenant's life.
struct Move {
    name: &'static str,
    /// The states that it goes through before.
    before: &'static [&'static str],
    /// What happens then.
    change: fn(&World),
    /// Whether it is done.
    done: fn(&World) -> bool,
}

const MOVES: [Move; 10] = [
    Move {
        name: "create",
        before: &[],
        change: |world| world.apply(json!({"displayName": "Acme", "id": ID})),
        done: |world| world.is("ACTIVE"),
    },
    Move {
        name: "suspend",
        before: &["Active"],
        change: |world| world.patch(json!({"state": "Suspended"})),
        done: |world| world.is("SUSPENDED"),
    },
    Move {
        name: "reactivate",
        before: &["Active", "Suspended"],
        change: |world| world.patch(json!({"state": "Active"})),
        done: |world| world.is("ACTIVE"),
    },
    Move {
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
    Move {
        name: "storage over its limit",
        before: &["Active"],
        change: |world| world.measure(2),
        done: |world| world.may("delete") && world.is("ACTIVE"),
    },
    Move {
        name: "reactivate with storage over its limit",
        before: &["Active", "Suspended"],
        change: |world| {
            world.measure(2);
            world.patch(json!({"state": "Active"}));
        },
        done: |world| world.may("delete") && world.is("ACTIVE"),
    },
    Move {
        name: "archive",
        before: &["Active"],
        change: |world| world.patch(json!({"state": "Archived"})),
        done: |world| world.is("ARCHIVED"),
    },
    Move {
        name: "purge",
        before: &["Active", "Archived"],
        change: |world| {
            world.backends[0].fill(5);
            world.backends[1].fill(1);
            world.patch(json!({"retention": "0s"}));
        },
        done: |world| world.has(types::PURGED),
    },
    Move {
        name: "archive and purge at once",
        before: &["Active"],
        change: |world| {
            world.backends[0].fill(3);
            world.patch(json!({"state": "Archived", "retention": "0s"}));
        },
        done: |world| world.has(types::PURGED),
    },
    Move {
        name: "adopt",
        before: &["Active", "Suspended"],
        change: |world| world.apply(json!({"displayName": "Acme", "state": "Suspended"})),
        done: |world| world.is("SUSPENDED"),
    },
];

/// What the move comes to if nothing fails: the end, the writes, and the steps, to which
/// those belong that write the status.
async fn reference(it: &Move) -> (End, usize, usize) {
    let world = World::after(it.before).await;
    let before = world.writes();
    world.faults.taken();
    (it.change)(&world);
    let settled = world.settle(&mut world.start(), false, it.done).await;
    assert!(settled, "{}: {:#?}", it.name, world.server.get(TENANT));
    let steps = world.faults.taken();
    (world.end(), world.writes() - before, steps)
}

/// The move with one step that fails: whether it comes to the reference all the same.
async fn converges(it: &Move, step: usize, way: Way, (end, writes): (&End, usize)) {
    let told = format!("{}, step {step}, {way:?}", it.name);
    let world = World::after(it.before).await;
    let before = world.writes();
    (it.change)(&world);
    let mut context = world.start();
    world.faults.fail_at(step, way.fault);
    let settled = world.settle(&mut context, way.crash, it.done).await;
    assert!(settled, "{told}: {:#?}", world.server.get(TENANT));
    assert!(world.faults.is_spent(), "{told}: nothing failed");
    let reached = world.end();
    assert!(reached == *end, "{told}: {reached:#?}, not {end:#?}");
    let written = world.writes() - before;
    assert!(
        written <= writes + 1,
        "{told}: {written} writes, not {writes}"
    );

    for _ in 0..2 {
        assert!(world.reconcile(&context).await);
        let requests = world.server.take_requests();
        let others = requests.iter().filter(|it| !it.starts_with("GET "));
        assert_eq!(others.count(), 0, "{told}: {requests:?}");
    }
    assert_eq!(world.writes() - before, written, "{told}");
}

#[tokio::test(start_paused = true)]
async fn whatever_fails_wherever_the_tenant_gets_where_it_would_have_got() {
    let mut plans = 0;
    for it in &MOVES {
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
