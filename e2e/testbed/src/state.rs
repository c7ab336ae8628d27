//! The state directory, which is valid for one boot of the machine.

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

/// Name of the state directory during its removal: a half-removed state directory would
/// be worse than none.
const DISCARDED: &str = "/var/lib/akili-testbed.discarded";

/// Records the boot of the machine that the state belongs to.
pub fn save_boot_id() -> Result<()> {
    files::write(&boot_id_file(), current_boot()?)
}

/// Returns whether the state is from an earlier boot. Nothing is synced to disk, so the
/// data of etcd and PostgreSQL can't be trusted then.
pub fn is_from_earlier_boot() -> Result<bool> {
    Ok(boot_id_file().exists() && files::read(&boot_id_file())? != current_boot()?)
}

/// Removes the state directory together with the held lock.
pub fn discard() -> Result<()> {
    finish_discarding()?;
    leftovers::unmount_all_below(STATE_DIRECTORY.as_ref())?;
    fs::rename(STATE_DIRECTORY, DISCARDED)
        .with_context(|| format!("can't discard {STATE_DIRECTORY}"))?;
    finish_discarding()
}

/// Finishes an interrupted [`discard`].
pub fn finish_discarding() -> Result<()> {
    leftovers::unmount_all_below(DISCARDED.as_ref())?;
    files::remove_directory(DISCARDED.as_ref())
}

fn current_boot() -> Result<String> {
    files::read(Path::new("/proc/sys/kernel/random/boot_id"))
}

fn boot_id_file() -> PathBuf {
    layout::state("boot-id")
}
