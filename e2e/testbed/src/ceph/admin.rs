//! Commands of Ceph's admin.

use anyhow::Result;
use futures::stream::{self, StreamExt, TryStreamExt};

use super::configuration::ceph;
use crate::setup_command::run;

/// Number of users that are deleted in parallel.
const PARALLEL_DELETIONS: usize = 8;

/// Runs `radosgw-admin` and returns its output.
pub async fn radosgw_admin(arguments: &[&str]) -> Result<String> {
    run(ceph("radosgw-admin").arg("--no-mon-config").args(arguments)).await
}

/// Deletes all users whose name has this prefix.
pub async fn remove_users(prefix: &str) -> Result<()> {
    let users: Vec<String> = serde_json::from_str(&radosgw_admin(&["user", "list"]).await?)?;
    let theirs = users.into_iter().filter(|user| user.starts_with(prefix));
    let removed = theirs.map(|user| async move {
        radosgw_admin(&["user", "rm", "--purge-data", "--uid", &user]).await
    });
    let removed = stream::iter(removed).buffer_unordered(PARALLEL_DELETIONS);
    removed.try_for_each(|_| async { Ok(()) }).await
}
