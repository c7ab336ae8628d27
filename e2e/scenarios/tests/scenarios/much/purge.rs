//! The purge of many objects and topics.

use std::fs::File;
use std::process::Command;
use std::time::{Duration, Instant};

use akili_scenarios::platform::Platform;
use akili_testbed::command::{binary, succeed};
use anyhow::{Result, ensure};

use super::{OBJECTS, SLUG, fill};

const TOPICS: u32 = 200;
/// Permitted additional memory of the operator during a purge, in MiB.
const ALLOWANCE: u64 = 48;

pub async fn large_purge_needs_little_memory_and_reports_progress() -> Result<()> {
    let platform = Platform::install().await?;
    platform.configure(&platform.values()?)?;
    let _operator = platform.start_operator().await?;
    platform.activate(SLUG)?;
    fill(&platform).await?;
    let kafka = platform.kafka_of(SLUG)?;
    for topic in 1..TOPICS {
        kafka.create_topic(&format!("{SLUG}.{topic}")).await?;
    }
    let archive = ["tenant", "archive", SLUG, "--confirm", "--wait"];
    succeed(&platform.akili(&archive)?)?;

    let before = platform.operators_memory()? >> 20;
    let (progress_log, most) = purge(&platform).await?;
    ensure!(most < before + ALLOWANCE, "{before} MiB became {most} MiB");
    println!("the operator's memory (a debug build): {before} MiB before, {most} MiB at most");
    let progress = progress_log
        .lines()
        .filter(|line| line.starts_with("ObjectStoreReady=False Purging"));
    let progress: Vec<&str> = progress.collect();
    println!("{}", progress.join("\n"));
    ensure!(
        progress.len() >= 5,
        "too few progress lines:\n{progress_log}"
    );
    Ok(())
}

/// Purges the tenant as an admin does; returns the progress output and the maximum memory
/// in MiB.
async fn purge(platform: &Platform) -> Result<(String, u64)> {
    let progress_log = platform.file("purge.log", "")?;
    let began = Instant::now();
    let mut purge = Command::new(binary("akili")?)
        .env("KUBECONFIG", platform.testbed.kubeconfig())
        .args(["tenant", "purge", SLUG, "--confirm"])
        .args(["--wait", "--timeout", "10m"])
        .stderr(File::create(&progress_log)?)
        .spawn()?;
    let mut most = 0;
    let status = loop {
        most = most.max(platform.operators_memory()? >> 20);
        if let Some(status) = purge.try_wait()? {
            break status;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let progress_log = std::fs::read_to_string(progress_log)?;
    ensure!(status.success(), "{progress_log}");
    println!(
        "{OBJECTS} objects and {TOPICS} topics are purged after {:.0?}",
        began.elapsed()
    );
    Ok((progress_log, most))
}
