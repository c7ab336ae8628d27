//! Kernel state that the testbed changes: an address, and settings that the kubelet and
//! the container network set and never reset.

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::{Context, Result};

use super::{
    files,
    layout::{self, NODE_ADDRESS},
    setup_command::{command, run},
};

const SETTINGS: [&str; 7] = [
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "net/ipv4/ip_forward",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
];

/// Adds the node's address to the loopback device.
pub async fn add_node_address() -> Result<()> {
    run(command("ip").args(["address", "replace", &with_prefix(), "dev", "lo"])).await?;
    Ok(())
}

/// Removes the node's address, if it is set.
pub async fn remove_node_address() -> Result<()> {
    let addresses = run(command("ip").args(["-oneline", "address", "show", "dev", "lo"])).await?;
    if addresses.contains(&with_prefix()) {
        run(command("ip").args(["address", "delete", &with_prefix(), "dev", "lo"])).await?;
    }
    Ok(())
}

/// Saves the settings as they were before the first start.
pub fn save_settings() -> Result<()> {
    if saved_settings_file().exists() {
        return Ok(());
    }
    let mut settings = BTreeMap::new();
    for setting in SETTINGS {
        settings.insert(setting, files::read(&file_of(setting))?.trim().to_owned());
    }
    files::write(
        &saved_settings_file(),
        serde_json::to_string_pretty(&settings)?,
    )
}

/// Restores the settings from before the first start.
pub fn restore_settings() -> Result<()> {
    if !saved_settings_file().exists() {
        return Ok(());
    }
    let settings: BTreeMap<String, String> =
        serde_json::from_str(&files::read(&saved_settings_file())?)?;
    for (setting, value) in settings {
        // Some settings can't be written in some containers, even unchanged.
        if files::read(&file_of(&setting))?.trim() != value {
            fs::write(file_of(&setting), value)
                .with_context(|| format!("can't restore the setting {setting}"))?;
        }
    }
    Ok(())
}

fn with_prefix() -> String {
    format!("{NODE_ADDRESS}/32")
}

fn file_of(setting: &str) -> PathBuf {
    PathBuf::from("/proc/sys").join(setting)
}

fn saved_settings_file() -> PathBuf {
    layout::state("kernel-settings.json")
}
