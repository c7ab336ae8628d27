//! The resource group of a tenant follows its quota within StarRocks' ranges.

use akili_scenarios::platform::Platform;
use anyhow::{Result, ensure};
use serde_json::json;

use super::name_of;

pub async fn resource_group_follows_the_quota() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    platform.activate("olapsized")?;
    let name = name_of(&platform, "olapsized")?;
    if !is_stand_in(&platform).await? {
        eprintln!("skipped: the limits depend on the stand-in's nodes");
        return Ok(());
    }
    // Three nodes with 16 cores and 64 GB each.
    for (cpu, memory, weight, share, reason) in [
        (8, 32, "3", "16.66", "Converged"),
        (30, 96, "10", "50", "Converged"),
        (600, 9000, "16", "100", "Clamped"),
        (0, 0, "1", "0.01", "Clamped"),
        (8, 32, "3", "16.66", "Converged"),
    ] {
        let limits = json!({"maxComputeCpu": cpu, "maxComputeMemoryGb": memory});
        platform.patch_spec("tenantquota", "olapsized", &limits)?;
        is_limited(&platform, &name, weight, share).await?;
        platform
            .eventually(
                "the condition reports whether the limit was clamped",
                || Ok(platform.reason("olapsized", "ResourceGroupReady")? == reason),
            )
            .await?;
        let message = platform.message("olapsized", "ResourceGroupReady")?;
        println!("{cpu} CPU, {memory} GB: cpu_weight {weight}, mem_limit {share}%: {message}");
        ensure!(platform.status("olapsized", "phase")? == "ACTIVE");
    }
    Ok(())
}

/// Waits until the group has these limits.
async fn is_limited(platform: &Platform, name: &str, weight: &str, share: &str) -> Result<()> {
    let mut admin = platform.starrocks_of_operator().await?;
    let show = format!("SHOW VERBOSE RESOURCE GROUP {name}");
    let mut group = Vec::new();
    for _ in 0..50 {
        group = admin.query(&show).await?.concat();
        let shown: f64 = group[4].trim_end_matches('%').parse()?;
        if group[2] == weight && (shown - share.parse::<f64>()?).abs() < 0.001 {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    anyhow::bail!("{group:?} isn't cpu_weight {weight} and mem_limit {share}%");
}

async fn is_stand_in(platform: &Platform) -> Result<bool> {
    let mut admin = platform.starrocks_of_operator().await?;
    let version = admin.query("SELECT current_version()").await?;
    Ok(version.concat().concat().ends_with("stand-in"))
}
