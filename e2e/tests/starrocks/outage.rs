//! While StarRocks is away, the other planes go on; when it is back, so does this.

use std::time::Instant;

use akili_e2e::platform::Platform;
use anyhow::{Result, ensure};

#[tokio::test]
async fn an_outage_delays_nothing_elsewhere_and_is_caught_up_with() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    platform.activate("patient")?;
    let reasons = || {
        let reason = |condition| platform.reason("patient", condition);
        let ours = [reason("CatalogReady")?, reason("ResourceGroupReady")?];
        Ok::<_, anyhow::Error>((ours, reason("PostgresReady")?))
    };

    platform.testbed.stop("starrocks-stand-in").await?;
    let suspend = r#"{"spec": {"state": "Suspended"}}"#;
    platform.kubectl(&["patch", "tenant", "patient", "--type=merge", "-p", suspend])?;
    platform
        .eventually("it is told, and PostgreSQL is suspended", || {
            let (ours, postgres) = reasons()?;
            Ok(ours == ["Unreachable", "Unreachable"] && postgres == "Converged")
        })
        .await?;
    ensure!(platform.status("patient", "phase")? == "ACTIVE");

    let began = Instant::now();
    platform.testbed.start("starrocks-stand-in").await?;
    platform
        .eventually("it is suspended everywhere", || {
            Ok(platform.status("patient", "phase")? == "SUSPENDED")
        })
        .await?;
    println!(
        "caught up {:.1} s after the start",
        began.elapsed().as_secs_f64()
    );
    let mut tenant = platform.starrocks_of("patient").await?;
    let write = "CREATE DATABASE tenant_patient_catalog.d";
    ensure!(tenant.query(write).await.is_err(), "it still writes");
    Ok(())
}
