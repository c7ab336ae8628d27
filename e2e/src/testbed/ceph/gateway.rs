//! The object gateway (RGW), which speaks S3.

use anyhow::Result;
use async_trait::async_trait;

use super::{
    access::{ADMIN, ObjectStoreHandle},
    configuration::{self, ceph},
};
use crate::testbed::{command::run, component::Component, health, process::Daemon};

/// What the operator's own user may do beside S3.
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

    async fn complete(&self) -> Result<()> {
        let admin = ObjectStoreHandle::load()?;
        let radosgw_admin = || {
            let mut command = ceph("radosgw-admin");
            command.arg("--no-mon-config");
            command
        };
        let user = run(radosgw_admin().args(["user", "info", "--uid", ADMIN])).await;
        if user.is_err() {
            run(radosgw_admin()
                .args(["user", "create", "--uid", ADMIN, "--display-name", ADMIN])
                .args(["--access-key", &admin.access_key])
                .args(["--secret-key", &admin.secret_key])
                .args(["--caps", CAPABILITIES]))
            .await?;
        }
        Ok(())
    }
}
