//! The lock that allows one `up` or `down` at a time.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    os::unix::fs::MetadataExt,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use super::{files, layout, progress::Progress};

const TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// Held while the testbed changes; the kernel releases the lock with the process.
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock; waits for another `up` or `down` to end.
    pub async fn take(progress: &Progress) -> Result<Self> {
        if let Some(lock) = Self::try_take()? {
            return Ok(lock);
        }
        let step = progress.step("another up or down to end");
        let deadline = tokio::time::Instant::now() + TIMEOUT;
        while tokio::time::Instant::now() < deadline {
            if let Some(lock) = Self::try_take()? {
                step.done("ended");
                return Ok(lock);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        bail!(
            "another up or down holds {} for {TIMEOUT:?}",
            layout::state("lock").display()
        )
    }

    fn try_take() -> Result<Option<Self>> {
        let path = layout::state("lock");
        files::create_directory(layout::STATE_DIRECTORY.as_ref())?;
        let opened = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let file = opened.with_context(|| format!("can't open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error).context("can't lock the testbed"),
        }
        // `down` removes the directory together with the lock: the locked file may no
        // longer be the one at this path.
        let held = file.metadata()?.ino();
        let current = fs::metadata(&path).is_ok_and(|there| there.ino() == held);
        Ok(current.then_some(Self { _file: file }))
    }
}
