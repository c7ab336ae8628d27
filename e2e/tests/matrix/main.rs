//! Whether a tenant reaches what is another's: every plane × everything that it could
//! try, with the tenants' own credentials and ordinary clients, printed as a table.

mod deed;
mod kafka;
mod kubernetes;
mod object_store;
mod postgres;
mod starrocks;

use akili_e2e::platform::Platform;
use anyhow::{Result, ensure};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};

use deed::{Answer, Deed, Plane};

/// Names of which one begins like the other, in one way or another.
fn pairs() -> [(String, String); 3] {
    let common = "a".repeat(60);
    [
        ("acme".into(), "acme-2".into()),
        ("a-b".into(), "a--b".into()),
        (format!("{common}bcd"), format!("{common}xyz")),
    ]
}

#[tokio::test]
async fn no_tenant_reaches_what_is_anothers_in_any_plane() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    postgres::make_table(&platform)?;
    let mut failures = Vec::new();
    for (one, another) in pairs() {
        platform.activate(&one)?;
        platform.activate(&another)?;
        for (own, other) in [(&one, &another), (&another, &one)] {
            println!("\n{own}, beside {other}");
            failures.extend(matrix(&platform, own, other).await?);
        }
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

/// Prints the table of one tenant beside another; returns what isn't as it must be.
async fn matrix(platform: &Platform, own: &str, other: &str) -> Result<Vec<String>> {
    let planes: [Box<dyn Plane + '_>; 5] = [
        Box::new(postgres::Postgres::open(platform, own, other).await?),
        Box::new(object_store::Objects::open(platform, own, other).await?),
        Box::new(kubernetes::Kubernetes::open(platform, own, other)?),
        Box::new(kafka::Topics::open(platform, own, other).await?),
        Box::new(starrocks::StarRocks::open(platform, own, other).await?),
    ];
    let mut table = Table::new();
    let deeds = Deed::ALL.map(|deed| deed.to_string());
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_header(std::iter::once("plane".to_owned()).chain(deeds));
    let mut failures = Vec::new();
    for plane in planes {
        let mut row = vec![plane.name().to_owned()];
        for deed in Deed::ALL {
            let cell = judge(plane.as_ref(), deed).await;
            row.push(match &cell {
                Ok(what) => (*what).to_owned(),
                Err(_) => "FAIL".into(),
            });
            if let Err(why) = cell {
                failures.push(format!("{own}, {}: {deed}: {why:#}", plane.name()));
            }
        }
        table.add_row(row);
    }
    println!("{table}");
    Ok(failures)
}

/// The word for what came of it, if that is as it must be.
async fn judge(plane: &dyn Plane, deed: Deed) -> Result<&'static str> {
    let before = plane.others().await?;
    ensure!(!before.is_empty(), "the other tenant has nothing to lose");
    let answer = plane.attempt(deed).await?;
    let after = plane.others().await?;
    ensure!(before == after, "of the other's {before} it left {after}");
    match (deed.is_permitted(), answer) {
        (true, Answer::Done) => Ok("yes"),
        (false, Answer::Nothing) => Ok("nothing"),
        (false, Answer::Refused(why)) if plane.refusals().iter().any(|word| why.contains(word)) => {
            Ok("refused")
        }
        (_, answer) => anyhow::bail!("{answer:?}"),
    }
}
