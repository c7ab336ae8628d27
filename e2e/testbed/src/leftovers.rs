//! Removal of what containers leave in the machine when they weren't stopped in order.

use std::{
    fs, io,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use nix::mount::{MntFlags, umount2};

use super::files;

/// Unmounts everything that is mounted below a directory, even while in use.
pub fn unmount_all_below(directory: &Path) -> Result<()> {
    let mounts = files::read("/proc/self/mountinfo".as_ref())?;
    let points = mounts
        .lines()
        .filter_map(|mount| mount.split(' ').nth(4))
        .map(Path::new);
    let below: Vec<_> = points
        .filter(|point| point.starts_with(directory))
        .collect();
    // The last mounted is unmounted first.
    for point in below.into_iter().rev() {
        umount2(point, MntFlags::MNT_DETACH)
            .with_context(|| format!("can't unmount {}", point.display()))?;
    }
    Ok(())
}

/// Removes the control group of this name and its children from every hierarchy, except
/// groups with processes.
pub async fn remove_control_group(name: &str) {
    for group in hierarchies()
        .map(|hierarchy| hierarchy.join(name))
        .filter(|group| group.exists())
    {
        for group in with_all_below(&group).iter().rev() {
            remove_unless_busy(group).await;
        }
    }
}

/// Removes a directory's sockets that nothing listens on any more.
pub fn remove_dead_sockets(directory: &Path) -> Result<()> {
    for socket in entries(directory) {
        let dead = UnixStream::connect(&socket)
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
        if dead {
            files::remove(&socket)?;
        }
    }
    Ok(())
}

/// Removes the directories that exist and are empty, in this order.
pub fn remove_empty_directories(directories: &[&str]) {
    for directory in directories {
        // Not empty: another program uses it too.
        let _ = fs::remove_dir(directory);
    }
}

/// Returns the entries of a directory; none if it doesn't exist.
pub fn entries(directory: impl AsRef<Path>) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
}

/// Returns the roots of control groups: one in version 2, one per controller in version
/// 1.
fn hierarchies() -> impl Iterator<Item = PathBuf> {
    let root = PathBuf::from("/sys/fs/cgroup");
    std::iter::once(root.clone()).chain(entries(root).filter(|path| path.is_dir()))
}

fn with_all_below(directory: &Path) -> Vec<PathBuf> {
    let children = entries(directory).filter(|path| path.is_dir());
    std::iter::once(directory.to_owned())
        .chain(children.flat_map(|child| with_all_below(&child)))
        .collect()
}

/// A group stays busy for a moment after its last process has ended. One that stays busy
/// longer belongs to another program.
async fn remove_unless_busy(group: &Path) {
    for _ in 0..25 {
        match fs::remove_dir(group) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {}
            _ => return,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
