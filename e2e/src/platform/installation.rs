//! What an admin and a DBA install, on a testbed that has no tenant left.

use std::fs;
use std::process::Command;

use anyhow::Result;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::{AUDIT_INTERVAL, LEASE_DURATION, Platform};
use crate::chart::{CHART, helm};
use crate::command::{binary, run, succeed};
use crate::operator_image::{operator_image, tag_of};

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
        let program = binary("akili-operator")?;
        let tag = tag_of(&program)?;
        self.testbed
            .import_image(&operator_image(&program, &tag)?)
            .await?;
        self.make_secrets()?;
        self.install_chart(&self.values(&tag))?;
        self.kubectl(&[
            "wait",
            "--for=condition=Established",
            "crd",
            "--all",
            "--timeout=30s",
        ])?;
        self.forget_tenants().await?;
        let sql = run(Command::new(program).arg("bootstrap-sql"))?;
        self.superuser(&sql)?;
        self.superuser(&format!(
            "ALTER ROLE akili_operator PASSWORD '{OPERATOR_PASSWORD}'"
        ))?;
        Ok(())
    }

    /// What an admin makes before the chart: the namespace, and what the operator
    /// reaches PostgreSQL with.
    fn make_secrets(&self) -> Result<()> {
        let ca = fs::read_to_string(self.testbed.ca_path())?;
        let secret = |name: &str, key: &str, value: &str| {
            json!({
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name, "namespace": "akili-system"},
                "stringData": {key: value},
            })
        };
        let objects = json!({"apiVersion": "v1", "kind": "List", "items": [
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {
                    "name": "akili-system",
                    "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
                },
            },
            secret("akili-operator-postgres", "password", OPERATOR_PASSWORD),
            secret("postgres-ca", "ca.crt", &ca),
        ]});
        let file = self.folder.join("secrets.json");
        fs::write(&file, objects.to_string())?;
        self.kubectl(&["apply", "-f", &file.to_string_lossy()])?;
        fs::remove_file(&file)?;
        Ok(())
    }

    /// The chart's values on the testbed: no replica as yet.
    fn values(&self, tag: &str) -> Value {
        let postgres = self.testbed.postgres();
        json!({
            "replicas": 0,
            "image": {"tag": tag},
            "config": {
                "auditInterval": format!("{}s", AUDIT_INTERVAL.as_secs()),
                "leaseDuration": format!("{}s", LEASE_DURATION.as_secs()),
                "postgres": {
                    "host": postgres.host,
                    "port": postgres.port,
                    "database": postgres.database,
                },
            },
            "postgres": {"caSecret": {"name": "postgres-ca"}},
        })
    }

    /// Installs or upgrades the chart with these values.
    fn install_chart(&self, values: &Value) -> Result<()> {
        // What a killed Helm left behind would look like one that is at work.
        let pending = "owner=helm,name=akili-operator,status in (pending-install,pending-upgrade)";
        self.of_operator(&["delete", "secret", "-l", pending])?;
        let file = self.folder.join("values.json");
        fs::write(&file, values.to_string())?;
        let installed = helm(&[
            "upgrade",
            "--install",
            "akili-operator",
            CHART,
            "--kubeconfig",
            &self.testbed.kubeconfig().to_string_lossy(),
            "--namespace",
            "akili-system",
            // Another checkout may have installed the same without Helm.
            "--take-ownership",
            "--values",
            &file.to_string_lossy(),
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
