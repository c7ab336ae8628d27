//! The platform under test: the chart and the bootstrap SQL installed on the testbed, the
//! operator with its own rights, and clients of admins, users and tenants.

mod api;
mod backends;
mod canaries;
mod footprint;
mod installation;
mod inventory;
mod kafka;
mod logins;
mod logs;
mod objects;
mod operator;
mod protection;
mod requests;
mod sql;
mod starrocks;
mod tenants;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::json;

use akili_testbed::Testbed;
use akili_testbed::command::{binary, succeed};

pub use api::text_at;
pub use backends::Backend;
pub use footprint::object_store_writes;
pub use installation::{BUCKET, CATALOG_PROPERTIES, OPERATOR_PASSWORD};
pub use inventory::{Inventory, Kind};
pub use kafka::{Kafka, KafkaAdmin, produce};
pub use objects::{ObjectTenant, send};
pub use operator::{AUDIT_INTERVAL, LEASE_DURATION, Operator};
pub use protection::{WEBHOOK, WEBHOOK_SERVICE};
pub use requests::Request;
pub use sql::Login;
pub use starrocks::StarRocks;
pub use tenants::{object_of, tenant_yaml};

const TIMEOUT: Duration = Duration::from_secs(30);

pub struct Platform {
    pub testbed: Testbed,
    folder: PathBuf,
}

impl Platform {
    /// Returns the platform, installed once per subject on a testbed without tenants.
    /// The operator isn't started.
    pub async fn install() -> Result<Self> {
        let platform = Self::connect().await?;
        platform.install_once().await?;
        Ok(platform)
    }

    /// Returns the platform as found on the testbed.
    pub async fn connect() -> Result<Self> {
        let testbed = Testbed::connect().await?;
        if !installation::is_in_use() {
            // A scenario that stopped a backend or cut its network may have been interrupted.
            testbed.restore_network().await?;
            for component in Backend::ALL.map(Backend::component) {
                if testbed.has(component) {
                    testbed.start(component).await?;
                }
            }
        }
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let (process, number) = (std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(format!("akili-platform-{process}-{number}"));
        fs::create_dir_all(&folder)?;
        Ok(Self { testbed, folder })
    }

    /// Runs `kubectl` as an admin and returns its output.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        succeed(&self.try_kubectl(arguments)?)
    }

    /// Runs `kubectl` as an admin; a failure is part of the output.
    pub fn try_kubectl(&self, arguments: &[&str]) -> Result<Output> {
        Ok(Command::new(self.testbed.kubectl())
            .arg("--kubeconfig")
            .arg(self.testbed.kubeconfig())
            .args(arguments)
            .output()?)
    }

    /// Runs `akili` as an admin; a failure is part of the output.
    pub fn akili(&self, arguments: &[&str]) -> Result<Output> {
        akili(&self.testbed.kubeconfig(), arguments)
    }

    /// Runs `akili` as a user of a tenant, with the user's token, in the tenant's
    /// namespace.
    pub fn akili_as_user_of(
        &self,
        id: &str,
        namespace: &str,
        arguments: &[&str],
    ) -> Result<Output> {
        let kubeconfig = self.folder.join("user.kubeconfig");
        let claims = json!({"sub": "dev", "tenant_id": id});
        self.testbed.user_kubeconfig(claims, &kubeconfig)?;
        let there = Command::new(self.testbed.kubectl())
            .env("KUBECONFIG", &kubeconfig)
            .args([
                "config",
                "set-context",
                "--current",
                "--namespace",
                namespace,
            ])
            .output()?;
        succeed(&there)?;
        akili(&kubeconfig, arguments)
    }

    /// Writes a file that a program will read, and returns its path.
    pub fn file(&self, name: &str, content: &str) -> Result<String> {
        let file = self.folder.join(name);
        fs::write(&file, content)?;
        Ok(file.to_string_lossy().into_owned())
    }

    /// Polls until the condition holds; fails after a timeout with the end of the
    /// operator's log.
    pub async fn eventually(&self, what: &str, holds: impl Fn() -> Result<bool>) -> Result<()> {
        let began = Instant::now();
        while !holds()? {
            if began.elapsed() > TIMEOUT {
                bail!("not within {TIMEOUT:?}: {what}\n{}", self.end_of_log());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }
}

fn akili(kubeconfig: &Path, arguments: &[&str]) -> Result<Output> {
    Ok(Command::new(binary("akili")?)
        .env("KUBECONFIG", kubeconfig)
        .args(arguments)
        .output()?)
}
