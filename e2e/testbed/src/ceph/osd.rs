//! Ceph's OSD, which stores the objects.

use std::fs;

use anyhow::{Result, ensure};
use async_trait::async_trait;
use serde_json::Value;

use super::configuration::{self, ceph, directory};
use crate::{component::Component, files, process::Daemon, setup_command::run};

const NUMBER: &str = "0";
const ID: &str = "0b6a4a4e-6a2e-4c43-8f0a-3c1c2b6f9d10";

/// Ceph's OSD as a component.
pub struct Osd;

#[async_trait]
impl Component for Osd {
    fn name(&self) -> &'static str {
        "ceph-osd"
    }

    fn needs(&self) -> &'static [&'static str] {
        &["ceph-mon"]
    }

    async fn prepare(&self) -> Result<Daemon> {
        configuration::write()?;
        create_if_missing().await?;
        // The monitor considers a killed OSD alive for a while.
        run(ceph("ceph").args(["osd", "down", NUMBER])).await?;
        Ok(Daemon::new("/usr/bin/ceph-osd")
            .flag("conf", configuration::file())
            .flag("id", NUMBER)
            .arg("--foreground"))
    }

    async fn ready(&self) -> Result<()> {
        let counts = run(ceph("ceph").args(["osd", "stat", "--format", "json"])).await?;
        let counts: Value = serde_json::from_str(&counts)?;
        ensure!(counts["num_up_osds"] == 1, "the OSD isn't up: {counts}");
        Ok(())
    }
}

async fn create_if_missing() -> Result<()> {
    let data = directory().join("osd");
    if data.exists() {
        return Ok(());
    }
    run(ceph("ceph").args(["osd", "new", ID, NUMBER])).await?;
    let unfinished = data.with_added_extension("unfinished");
    files::remove_directory(&unfinished)?;
    files::create_directory(&unfinished)?;
    run(ceph("ceph-osd")
        .args([
            "--no-mon-config",
            "--mkfs",
            "--id",
            NUMBER,
            "--osd-uuid",
            ID,
        ])
        .arg("--osd-data")
        .arg(&unfinished))
    .await?;
    Ok(fs::rename(unfinished, data)?)
}
