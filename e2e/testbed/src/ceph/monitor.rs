//! Ceph's monitor.

use std::fs;

use anyhow::Result;
use async_trait::async_trait;

use super::configuration::{self, CLUSTER, ceph, directory, monitor_address};
use crate::{
    component::Component,
    files,
    process::Daemon,
    setup_command::{command, run},
};

const NAME: &str = "a";

/// Ceph's monitor as a component.
pub struct Monitor;

#[async_trait]
impl Component for Monitor {
    fn name(&self) -> &'static str {
        "ceph-mon"
    }

    async fn prepare(&self) -> Result<Daemon> {
        configuration::write()?;
        create_if_missing().await?;
        Ok(Daemon::new("/usr/bin/ceph-mon")
            .flag("conf", configuration::file())
            .flag("id", NAME)
            .arg("--foreground"))
    }

    async fn ready(&self) -> Result<()> {
        run(ceph("ceph").args(["--connect-timeout", "3", "quorum_status"])).await?;
        Ok(())
    }
}

async fn create_if_missing() -> Result<()> {
    let data = directory().join("monitor");
    if data.exists() {
        return Ok(());
    }
    let map = directory().join("monitors");
    let address = monitor_address();
    run(command("monmaptool")
        .args(["--create", "--clobber", "--fsid", CLUSTER])
        .args(["--addv", NAME, &address])
        .arg(&map))
    .await?;
    let unfinished = data.with_added_extension("unfinished");
    files::remove_directory(&unfinished)?;
    run(ceph("ceph-mon")
        .args(["--mkfs", "--id", NAME, "--monmap"])
        .arg(&map)
        .arg("--mon-data")
        .arg(&unfinished))
    .await?;
    Ok(fs::rename(unfinished, data)?)
}
