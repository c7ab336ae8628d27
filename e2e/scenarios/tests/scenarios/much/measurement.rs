//! The measurement of many objects.

use std::time::{Duration, Instant};

use akili_scenarios::platform::{BUCKET, Platform};
use anyhow::{Context, Result, ensure};

use super::{BYTES, OBJECTS, SLUG, fill};
use crate::usage::{platform_with_short_intervals, quota};

/// Permitted additional memory of the operator while it measures, in MiB.
const ALLOWANCE: u64 = 48;

pub async fn many_objects_are_measured_with_little_memory() -> Result<()> {
    let platform = platform_with_short_intervals(BUCKET).await?;
    let _operator = platform.start_operator().await?;
    platform.activate(SLUG)?;
    let before = platform.operators_memory()? >> 20;
    fill(&platform).await?;

    let began = Instant::now();
    let mut most = 0;
    let all = (OBJECTS * BYTES).to_string();
    while quota(&platform, SLUG, ".status.used.storageBytes")? != all {
        ensure!(began.elapsed() < Duration::from_secs(60), "not measured");
        most = most.max(platform.operators_memory()? >> 20);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("{OBJECTS} objects are counted after {:?}", began.elapsed());

    let (measurements, pages) = (counted(&platform, DONE)?, counted(&platform, PAGES)?);
    while counted(&platform, DONE)? < measurements + 3 {
        most = most.max(platform.operators_memory()? >> 20);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let measurements = counted(&platform, DONE)? - measurements;
    let pages = counted(&platform, PAGES)? - pages;
    println!("{measurements} measurements of {OBJECTS} objects took {pages} list calls");
    println!("the operator's memory (a debug build): {before} MiB before, {most} MiB at most");
    // A running measurement counts too.
    ensure!(
        pages <= (measurements + 1) * (OBJECTS / 1000 + 2),
        "{pages}"
    );
    ensure!(most < before + ALLOWANCE, "{before} MiB became {most} MiB");
    Ok(())
}

const DONE: &str = r#"akili_storage_measurements_total{outcome="done"}"#;
const PAGES: &str = "akili_storage_pages_total";

fn counted(platform: &Platform, metric: &str) -> Result<usize> {
    let metrics = platform.metrics()?;
    let line = metrics.lines().find_map(|line| line.strip_prefix(metric));
    Ok(line.context("the metric is missing")?.trim().parse()?)
}
