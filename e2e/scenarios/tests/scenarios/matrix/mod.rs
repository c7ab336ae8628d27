//! Whether a tenant reaches more than it may: every plane × everything that it could try ×
//! every state, with the tenants' own credentials and ordinary clients, printed as tables.

mod deed;
mod kafka;
mod kubernetes;
mod object_store;
mod postgres;
mod starrocks;

use akili_scenarios::platform::Platform;
use anyhow::{Result, ensure};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};

use deed::{Answer, Deed, Plane, State};

/// Names of which one begins like the other, in one way or another.
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
    postgres::make_table(&platform)?;
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
    failures.extend(life(&platform, &own, &other).await?);
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

/// Leads a tenant through the rest of its life, with what it got while it was ACTIVE.
async fn life(platform: &Platform, own: &str, other: &str) -> Result<Vec<String>> {
    let planes = planes(platform, own, other).await?;
    let mut failures = Vec::new();
    for state in [State::Suspended, State::Reactivated, State::Archived] {
        if state != State::Reactivated {
            everywhere(&planes, Deed::OwnWrite).await?;
        }
        let (wanted, phase) = state.wanted();
        platform.change_state(own, wanted, phase).await?;
        if state == State::Reactivated {
            // What it wrote is there still: it could not delete it while SUSPENDED.
            everywhere(&planes, Deed::OwnDelete).await?;
        }
        println!("\n{own} is {state}, beside {other}");
        failures.extend(matrix(&planes, state).await);
    }
    Ok(failures)
}

/// Does something in every plane, which must succeed.
async fn everywhere(planes: &Planes<'_>, deed: Deed) -> Result<()> {
    for plane in planes {
        let answer = plane.attempt(deed).await?;
        ensure!(
            answer == Answer::Done,
            "{}: {deed}: {answer:?}",
            plane.name()
        );
    }
    Ok(())
}

/// Prints the table of one tenant beside another; returns what isn't as it must be.
async fn matrix(planes: &Planes<'_>, state: State) -> Vec<String> {
    let mut table = Table::new();
    let deeds = Deed::ALL.map(|deed| deed.to_string());
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_header(std::iter::once("plane".to_owned()).chain(deeds));
    let mut failures = Vec::new();
    for plane in planes {
        let mut row = vec![plane.name().to_owned()];
        for deed in Deed::ALL {
            let cell = judge(plane.as_ref(), deed, state).await;
            row.push(match &cell {
                Ok(what) => (*what).to_owned(),
                Err(_) => "FAIL".into(),
            });
            if let Err(why) = cell {
                failures.push(format!("{state}, {}: {deed}: {why:#}", plane.name()));
            }
        }
        table.add_row(row);
    }
    println!("{table}");
    failures
}

/// The word for what came of it, if that is as it must be.
async fn judge(plane: &dyn Plane, deed: Deed, state: State) -> Result<&'static str> {
    let before = plane.held().await?;
    ensure!(!before.own.is_empty(), "the tenant has nothing to lose");
    ensure!(
        !before.other.is_empty(),
        "the other tenant has nothing to lose"
    );
    let answer = plane.attempt(deed).await?;
    let after = plane.held().await?;
    let permitted = deed.is_permitted(state);
    let unchanged = before.other == after.other && (permitted || before.own == after.own);
    ensure!(unchanged, "of {before:?} it left {after:?}");
    match (permitted, answer) {
        (true, Answer::Done) => Ok("yes"),
        (false, Answer::Nothing) => Ok("nothing"),
        (false, Answer::Refused(why)) => {
            let words = plane.refusals(deed, state);
            ensure!(
                words.iter().any(|word| why.contains(word)),
                "refused with other words: {why}"
            );
            Ok("refused")
        }
        (_, answer) => anyhow::bail!("{answer:?}"),
    }
}
