//! The state directory's own life: one boot of the machine at most.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::{
    files,
    layout::{self, STATE_DIRECTORY},
    leftovers,
};

/// Where the state directory is moved to before it is removed: half a state
/// directory would be worse than none.
const DISCARDED: &str = "/var/lib/akili-testbed.discarded";

/// Notes which boot of the machine the state is of.
pub fn remember_boot() -> Result<()> {
    files::write(&remembered(), current_boot()?)
}

/// Whether the machine was started anew since. As nothing is synced to disk, the
/// data of etcd and PostgreSQL can't be trusted then.
pub fn outlived_a_boot() -> Result<bool> {
    Ok(remembered().exists() && files::read(&remembered())? != current_boot()?)
}

/// Removes the state directory, and with it the lock that is held.
pub fn discard() -> Result<()> {
    finish_discarding()?;
    leftovers::unmount_all_below(STATE_DIRECTORY.as_ref())?;
    fs::rename(STATE_DIRECTORY, DISCARDED)
        .with_context(|| format!("can't discard {STATE_DIRECTORY}"))?;
    finish_discarding()
}

/// Removes what an interrupted [`discard`] has left.
pub fn finish_discarding() -> Result<()> {
    leftovers::unmount_all_below(DISCARDED.as_ref())?;
    files::remove_directory(DISCARDED.as_ref())
}

fn current_boot() -> Result<String> {
    files::read(Path::new("/proc/sys/kernel/random/boot_id"))
}

fn remembered() -> PathBuf {
    layout::state("boot-id")
}
