//! Sessions that are open when a tenant is suspended or archived: how they end, and the
//! time until every plane is closed.

mod kafka;
mod kubernetes;
mod object_store;
mod postgres;
mod session;
mod starrocks;

use std::time::Instant;

use akili_crds::Tenant;
use akili_scenarios::platform::{Backend, Platform};
use akili_testbed::command::repository;
use anyhow::{Result, ensure};
use futures::future::try_join_all;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use session::{Closing, Plane, Session, until_closed};

pub async fn open_sessions_end_as_documented_when_a_tenant_is_closed() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    postgres::create_table(&platform)?;
    let suspended = close(&platform, "lodger", Closing::Suspended).await?;
    let archived = close(&platform, "lodger-2", Closing::Archived).await?;

    let document = std::fs::read_to_string(repository("docs/lifecycle.md"))?;
    let mut table = vec![
        "| open at that moment | SUSPENDED | ARCHIVED |".to_owned(),
        "| --- | --- | --- |".to_owned(),
    ];
    for ((name, suspended), (_, archived)) in suspended.iter().zip(&archived) {
        table.push(format!("| {name} | {suspended} | {archived} |"));
    }
    let table = table.join("\n");
    println!("{table}");
    ensure!(!table.contains("FAIL"), "a session doesn't end as expected");
    ensure!(
        document.contains(&table),
        "docs/lifecycle.md has another table"
    );
    Ok(())
}

pub async fn backend_outage_delays_closing_of_no_other_plane() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    postgres::create_table(&platform)?;
    for (backend, plane) in Backend::ALL.into_iter().zip(PLANES) {
        close_without(&platform, backend, plane).await?;
    }
    Ok(())
}

/// Planes of the backends in [`Backend::ALL`]'s order.
const PLANES: [&str; 4] = ["PostgreSQL", "object store", "Kafka", "StarRocks"];

/// Suspends a tenant while a backend is down: the other planes are closed, the condition
/// reports the reason, and the plane is closed after the outage.
async fn close_without(platform: &Platform, backend: Backend, late: &str) -> Result<()> {
    let slug = format!("without-{}", backend.metric());
    platform.activate(&slug)?;
    let _session_with_a_table = starrocks::open(platform, &slug).await?;
    let mut planes = planes(platform, &slug).await?;
    planes.retain(|plane| plane.name() != late);
    ensure!(planes.len() == 4, "no plane is called {late}");
    platform.testbed.stop(backend.component()).await?;
    let began = patch(platform, &slug, Closing::Suspended).await?;
    let closed = times(&mut planes, Closing::Suspended, began).await?;
    println!("{late} is down: {closed}");
    for condition in backend.conditions() {
        platform
            .eventually(&format!("{condition} reports the reason"), || {
                Ok(platform.reason(&slug, condition)? == "Unreachable")
            })
            .await?;
    }
    let phase = platform.status(&slug, "phase")?;
    ensure!(phase == "ACTIVE", "{phase}, although {late} isn't closed");

    platform.testbed.start(backend.component()).await?;
    let back = Instant::now();
    platform
        .eventually("the tenant is SUSPENDED in every plane", || {
            Ok(platform.status(&slug, "phase")? == "SUSPENDED"
                && platform.reason(&slug, "Ready")? == "Reached")
        })
        .await?;
    println!("{late} is closed {:.1?} after the outage", back.elapsed());
    Ok(())
}

/// Closes a tenant and returns its sessions with their fates. Prints when each plane is
/// closed.
async fn close(platform: &Platform, slug: &str, closing: Closing) -> Result<Vec<(String, String)>> {
    platform.activate(slug)?;
    let mut sessions = sessions(platform, slug).await?;
    let mut planes = planes(platform, slug).await?;
    let (_, phase) = closing.wanted();
    let began = patch(platform, slug, closing).await?;
    let closed = times(&mut planes, closing, began).await?;
    platform
        .eventually(&format!("{slug} is {phase}"), || {
            Ok(platform.status(slug, "phase")? == phase)
        })
        .await?;
    println!(
        "{phase}: {closed}; the phase follows after {} ms",
        began.elapsed().as_millis()
    );

    let mut fates = Vec::new();
    for session in &mut sessions {
        let fate = session.fate(closing).await;
        let fate = fate.unwrap_or_else(|error| format!("FAIL: {error:#}"));
        fates.push((session.name(), fate));
    }
    Ok(fates)
}

/// Sets the tenant's state and returns the time of the API server's answer.
async fn patch(platform: &Platform, slug: &str, closing: Closing) -> Result<Instant> {
    let (state, _) = closing.wanted();
    let tenants = Api::<Tenant>::all(platform.testbed.admin());
    let patch = Patch::Merge(json!({"spec": {"state": state}}));
    tenants.patch(slug, &PatchParams::default(), &patch).await?;
    Ok(Instant::now())
}

/// Returns a text with the time until each plane is closed.
async fn times(
    planes: &mut [Box<dyn Plane + '_>],
    closing: Closing,
    began: Instant,
) -> Result<String> {
    let closed = planes.iter_mut().map(async |plane| {
        let time = until_closed(plane.as_mut(), closing, began).await?;
        anyhow::Ok(format!("{} after {} ms", plane.name(), time.as_millis()))
    });
    Ok(try_join_all(closed).await?.join(", "))
}

async fn sessions<'a>(platform: &'a Platform, slug: &str) -> Result<Vec<Box<dyn Session + 'a>>> {
    let mut all = postgres::open(platform, slug).await?;
    all.extend(object_store::open(platform, slug).await?);
    all.extend(kafka::open(platform, slug).await?);
    all.extend(starrocks::open(platform, slug).await?);
    Ok(all)
}

async fn planes<'a>(platform: &'a Platform, slug: &str) -> Result<Vec<Box<dyn Plane + 'a>>> {
    Ok(vec![
        Box::new(postgres::Rows::open(platform, slug).await?),
        Box::new(object_store::Objects::open(platform, slug)?),
        Box::new(kafka::Topics::open(platform, slug).await?),
        Box::new(starrocks::Warehouse::open(platform, slug).await?),
        Box::new(kubernetes::User::open(platform, slug).await?),
    ])
}
