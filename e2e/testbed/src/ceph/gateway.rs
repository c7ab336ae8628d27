//! The object gateway (RGW), which serves S3.

use anyhow::Result;
use async_trait::async_trait;

use super::{
    access::{ADMIN, ObjectStoreHandle},
    admin::radosgw_admin,
    configuration,
};
use crate::{component::Component, health, process::Daemon};

/// Capabilities of the operator's user in the admin API.
const CAPABILITIES: &str = "users=*;buckets=*;metadata=*;user-policy=*";

/// Ceph's object gateway as a component.
pub struct Gateway;

#[async_trait]
impl Component for Gateway {
    fn name(&self) -> &'static str {
        "ceph-rgw"
    }

    fn needs(&self) -> &'static [&'static str] {
        &["ceph-osd"]
    }

    async fn prepare(&self) -> Result<Daemon> {
        configuration::write()?;
        Ok(Daemon::new("/usr/bin/radosgw")
            .flag("conf", configuration::file())
            .flag("name", "client.gateway")
            .arg("--foreground"))
    }

    async fn ready(&self) -> Result<()> {
        health::get(&ObjectStoreHandle::url(), "/").await
    }

    async fn initialize(&self) -> Result<()> {
        let admin = ObjectStoreHandle::load()?;
        if radosgw_admin(&["user", "info", "--uid", ADMIN])
            .await
            .is_err()
        {
            let user = [
                "--uid",
                ADMIN,
                "--display-name",
                ADMIN,
                "--caps",
                CAPABILITIES,
            ];
            let access_key = ["--access-key", &admin.access_key];
            let secret_key = ["--secret-key", &admin.secret_key];
            let create = [&["user", "create"], &user[..], &access_key, &secret_key];
            radosgw_admin(&create.concat()).await?;
        }
        Ok(())
    }
}
