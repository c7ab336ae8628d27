//! The access matrix of a tenant: every plane × every operation × every state, with the
//! tenants' own credentials and ordinary clients, printed as tables.

mod kafka;
mod kubernetes;
mod object_store;
mod operation;
mod postgres;
mod starrocks;

use akili_scenarios::platform::Platform;
use anyhow::{Result, ensure};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};

use operation::{Operation, Plane, State};

use crate::access_matrix::{Answer, Cause, Client, Expected, check};

/// Pairs of names in which one resembles the beginning of the other.
fn pairs() -> [(String, String); 3] {
    let common = "a".repeat(60);
    [
        ("cell".into(), "cell-2".into()),
        ("a-b".into(), "a--b".into()),
        (format!("{common}bcd"), format!("{common}xyz")),
    ]
}

pub async fn tenant_access_equals_the_matrix_in_every_plane() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    postgres::create_table(&platform)?;
    let mut failures = Vec::new();
    for (one, another) in &pairs() {
        platform.activate(one)?;
        platform.activate(another)?;
        for (own, other) in [(one, another), (another, one)] {
            let planes = planes(&platform, own, other).await?;
            println!("\n{own}, beside {other}");
            failures.extend(matrix(&planes, State::Active).await);
        }
    }
    let [(own, other), ..] = pairs();
    failures.extend(check_states(&platform, &own, &other).await?);
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

type Planes<'a> = [Box<dyn Plane + 'a>; 5];

async fn planes<'a>(platform: &'a Platform, own: &str, other: &str) -> Result<Planes<'a>> {
    Ok([
        Box::new(postgres::Postgres::open(platform, own, other).await?),
        Box::new(object_store::Objects::open(platform, own, other).await?),
        Box::new(kubernetes::Kubernetes::open(platform, own, other)?),
        Box::new(kafka::Topics::open(platform, own, other).await?),
        Box::new(starrocks::StarRocks::open(platform, own, other).await?),
    ])
}

/// Moves a tenant through the other states, with the clients created while it was ACTIVE.
async fn check_states(platform: &Platform, own: &str, other: &str) -> Result<Vec<String>> {
    let planes = planes(platform, own, other).await?;
    let mut failures = Vec::new();
    for state in [State::Suspended, State::Reactivated, State::Archived] {
        if state != State::Reactivated {
            in_every_plane(&planes, Operation::OwnWrite).await?;
        }
        let (wanted, phase) = state.wanted();
        platform.change_state(own, wanted, phase).await?;
        if state == State::Reactivated {
            // The written data still exists, because a SUSPENDED tenant can't delete it.
            in_every_plane(&planes, Operation::OwnDelete).await?;
        }
        println!("\n{own} is {state}, beside {other}");
        failures.extend(matrix(&planes, state).await);
    }
    Ok(failures)
}

/// Performs an operation in every plane, which must succeed.
async fn in_every_plane(planes: &Planes<'_>, operation: Operation) -> Result<()> {
    for plane in planes {
        let answer = plane.attempt(operation).await?;
        ensure!(
            matches!(answer, Answer::Done(_)),
            "{}: {operation}: {answer:?}",
            plane.name()
        );
    }
    Ok(())
}

/// Prints the table of one tenant beside another; returns the unexpected outcomes.
async fn matrix(planes: &Planes<'_>, state: State) -> Vec<String> {
    let mut table = Table::new();
    let operations = Operation::ALL.map(|operation| operation.to_string());
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_header(std::iter::once("plane".to_owned()).chain(operations));
    let mut failures = Vec::new();
    for plane in planes {
        let mut row = vec![plane.name().to_owned()];
        for operation in Operation::ALL {
            let cell = judge(plane.as_ref(), operation, state).await;
            row.push(match &cell {
                Ok(what) => (*what).to_owned(),
                Err(_) => "FAIL".into(),
            });
            if let Err(why) = cell {
                failures.push(format!("{state}, {}: {operation}: {why:#}", plane.name()));
            }
        }
        table.add_row(row);
    }
    println!("{table}");
    failures
}

/// Checks one operation and returns the word of its outcome.
async fn judge(plane: &dyn Plane, operation: Operation, state: State) -> Result<&'static str> {
    let permitted = operation.is_permitted(state);
    let expected = if permitted {
        Expected::Done
    } else {
        let texts = plane.rejections(operation, state);
        Expected::NoAccess(Cause::Text(texts.to_vec()))
    };
    check(&mut Tenant { plane, permitted }, operation, &expected).await
}

/// A tenant in a plane. A permitted operation may change the tenant's own data.
struct Tenant<'a> {
    plane: &'a dyn Plane,
    permitted: bool,
}

impl Client<Operation> for Tenant<'_> {
    async fn attempt(&mut self, operation: Operation) -> Result<Answer> {
        self.plane.attempt(operation).await
    }

    async fn protected_data(&mut self) -> Result<String> {
        let held = self.plane.held().await?;
        ensure!(!held.own.is_empty(), "the tenant has no data");
        ensure!(!held.other.is_empty(), "the other tenant has no data");
        Ok(if self.permitted {
            held.other
        } else {
            format!("{held:?}")
        })
    }
}
