//! A tenant that has much.

use std::fs::File;
use std::process::Command;
use std::time::{Duration, Instant};

use akili_scenarios::platform::Platform;
use akili_testbed::command::{binary, succeed};
use anyhow::{Result, ensure};

const OBJECTS: usize = 20_000;
const TOPICS: u32 = 200;
/// How much more memory a purge may need than there is without one, in MiB.
const ALLOWANCE: u64 = 48;

pub async fn large_purge_needs_little_memory_and_reports_progress() -> Result<()> {
    let platform = Platform::install().await?;
    platform.configure(&platform.values()?)?;
    let _operator = platform.start_operator().await?;
    platform.activate("hoarder")?;
    platform.put_objects("hoarder", OBJECTS, 0).await?;
    let kafka = platform.kafka_of("hoarder")?;
    for topic in 1..TOPICS {
        kafka.create_topic(&format!("hoarder.{topic}")).await?;
    }
    let archive = ["tenant", "archive", "hoarder", "--confirm", "--wait"];
    succeed(&platform.akili(&archive)?)?;

    let before = platform.operators_memory()? >> 20;
    let (told, most) = purge(&platform).await?;
    ensure!(most < before + ALLOWANCE, "{before} MiB became {most} MiB");
    println!("the operator's memory (a debug build): {before} MiB before, {most} MiB at most");
    let progress = told
        .lines()
        .filter(|line| line.starts_with("ObjectStoreReady=False Purging"));
    let progress: Vec<&str> = progress.collect();
    println!("{}", progress.join("\n"));
    ensure!(progress.len() >= 5, "it tells too little:\n{told}");
    Ok(())
}

/// Purges the tenant as an admin does; what was said meanwhile, and the most memory in MiB.
async fn purge(platform: &Platform) -> Result<(String, u64)> {
    let told = platform.file("purge.log", "")?;
    let began = Instant::now();
    let mut purge = Command::new(binary("akili")?)
        .env("KUBECONFIG", platform.testbed.kubeconfig())
        .args(["tenant", "purge", "hoarder", "--confirm"])
        .args(["--wait", "--timeout", "10m"])
        .stderr(File::create(&told)?)
        .spawn()?;
    let mut most = 0;
    let status = loop {
        most = most.max(platform.operators_memory()? >> 20);
        if let Some(status) = purge.try_wait()? {
            break status;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let told = std::fs::read_to_string(told)?;
    ensure!(status.success(), "{told}");
    println!(
        "{OBJECTS} objects and {TOPICS} topics are purged after {:.0?}",
        began.elapsed()
    );
    Ok((told, most))
}
