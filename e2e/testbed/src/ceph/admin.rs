//! What Ceph's own admin does.

use anyhow::Result;
use futures::stream::{self, StreamExt, TryStreamExt};

use super::configuration::ceph;
use crate::setup_command::run;

/// How many users are taken away at the same time.
const AT_A_TIME: usize = 8;

/// Runs `radosgw-admin`; its output.
pub async fn radosgw_admin(arguments: &[&str]) -> Result<String> {
    run(ceph("radosgw-admin").arg("--no-mon-config").args(arguments)).await
}

/// Takes away every user whose name begins like this.
pub async fn remove_users(prefix: &str) -> Result<()> {
    let users: Vec<String> = serde_json::from_str(&radosgw_admin(&["user", "list"]).await?)?;
    let theirs = users.into_iter().filter(|user| user.starts_with(prefix));
    let removed = theirs.map(|user| async move {
        radosgw_admin(&["user", "rm", "--purge-data", "--uid", &user]).await
    });
    let removed = stream::iter(removed).buffer_unordered(AT_A_TIME);
    removed.try_for_each(|_| async { Ok(()) }).await
}
