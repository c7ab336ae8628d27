//! What an admin and a DBA install, on a testbed that has no tenant left.

use anyhow::Result;
use tokio::sync::OnceCell;

use super::Platform;
use crate::chart::{CHART, helm};
use crate::command::{binary, run, succeed};

/// The password of the operator's login on the testbed; a word that nothing else
/// contains, so that it can be searched for where it must not be.
pub const OPERATOR_PASSWORD: &str = "canary-of-the-operator";

static INSTALLED: OnceCell<()> = OnceCell::const_new();

impl Platform {
    pub(super) async fn install_once(&self) -> Result<()> {
        INSTALLED.get_or_try_init(|| self.install_afresh()).await?;
        Ok(())
    }

    async fn install_afresh(&self) -> Result<()> {
        self.install_chart()?;
        self.kubectl(&[
            "wait",
            "--for=condition=Established",
            "crd",
            "--all",
            "--timeout=30s",
        ])?;
        self.forget_tenants().await?;
        let sql = run(std::process::Command::new(binary("akili-operator")?).arg("bootstrap-sql"))?;
        self.superuser(&sql)?;
        self.superuser(&format!(
            "ALTER ROLE akili_operator PASSWORD '{OPERATOR_PASSWORD}'"
        ))?;
        Ok(())
    }

    /// The chart without its pods: the operator is a process on this machine.
    fn install_chart(&self) -> Result<()> {
        // What a killed Helm left behind would look like one that is at work.
        let pending = "owner=helm,name=akili-operator,status in (pending-install,pending-upgrade)";
        self.kubectl(&["delete", "secret", "-n", "akili-system", "-l", pending])?;
        let kubeconfig = self.testbed.kubeconfig();
        let kubeconfig = kubeconfig.to_string_lossy();
        let host = format!("config.postgres.host={}", self.testbed.postgres().host);
        let installed = helm(&[
            "upgrade",
            "--install",
            "akili-operator",
            CHART,
            "--kubeconfig",
            &kubeconfig,
            "--namespace",
            "akili-system",
            "--create-namespace",
            // Another checkout may have installed the same without Helm.
            "--take-ownership",
            "--set",
            "replicas=0",
            "--set",
            &host,
        ])?;
        succeed(&installed).map(drop)
    }

    /// Takes away what the tenants of earlier runs have: thousands of them would keep
    /// the operator from those of this run.
    async fn forget_tenants(&self) -> Result<()> {
        self.kubectl(&["delete", "tenants,tenantquotas", "--all", "--wait=false"])?;
        let theirs = "namespaces,clusterroles,clusterrolebindings";
        self.kubectl(&["delete", theirs, "-l", "akili.io/tenant-id", "--wait=false"])?;
        self.testbed.empty_postgres().await
    }
}
