//! Installation of the platform on a testbed without tenants, as an admin and a DBA do
//! it.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::logs::LogLengths;
use super::{AUDIT_INTERVAL, Backend, LEASE_DURATION, Platform};
use akili_testbed::chart::{CHART, helm};
use akili_testbed::command::{binary, run, succeed};
use akili_testbed::operator_image::{operator_image, tag_of};

/// Password of the operator's login on the testbed; unique, so that leaks can be searched
/// for.
pub const OPERATOR_PASSWORD: &str = "canary-of-the-operator";

/// Bucket that all tenants share, the chart's default.
pub const BUCKET: &str = "akili";

/// Properties of tenants' catalogs. The metastore doesn't exist: no scenario reads an
/// Iceberg table.
pub const CATALOG_PROPERTIES: [(&str, &str); 2] = [
    ("iceberg.catalog.type", "rest"),
    ("iceberg.catalog.uri", "https://iceberg.example.com/{slug}"),
];

/// Installation for the scenarios that run now.
static INSTALLED: Mutex<Installed> = Mutex::new(Installed {
    subject: "",
    shared: false,
    logs: None,
    values: None,
    operator: false,
});
/// Lock of the scenario that installs the platform.
static INSTALLING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// State of the installation, as far as this process knows.
struct Installed {
    /// First part of the scenarios' names.
    subject: &'static str,
    /// True if several scenarios use one installation and one operator.
    shared: bool,
    /// Lengths of the backends' logs before the installation; none if there is none.
    logs: Option<LogLengths>,
    /// Values of the installed release; none if unknown.
    values: Option<Value>,
    /// True if the shared operator runs.
    operator: bool,
}

impl Platform {
    /// Sets the subject of the next scenario. The first scenario of each subject finds a
    /// platform without tenants. Shared scenarios use one installation and one operator.
    pub fn begin(subject: &'static str, shared: bool) {
        let mut installed = installed();
        if (installed.subject, installed.shared) != (subject, shared) {
            installed.subject = subject;
            installed.shared = shared;
            installed.logs = None;
        }
    }

    /// Discards what is known of the installation, after a failed scenario.
    pub fn invalidate() {
        let mut installed = installed();
        if !installed.shared {
            installed.logs = None;
        }
        installed.values = None;
    }

    /// Returns true if other scenarios use the same installation.
    pub(super) fn is_shared(&self) -> bool {
        installed().shared
    }

    /// Returns the lengths of the backends' logs before the installation.
    pub(super) fn installed_logs(&self) -> Result<LogLengths> {
        installed().logs.clone().context("nothing is installed")
    }

    pub(super) async fn install_once(&self) -> Result<()> {
        let _installing = INSTALLING.lock().await;
        if installed().logs.is_some() {
            return Ok(());
        }
        let logs = self.log_lengths()?;
        let is_known = installed().values.is_some();
        // A scenario of an earlier process may have been interrupted.
        if !is_known {
            self.prepare().await?;
        }
        let values = self.values()?;
        self.configure(&values)?;
        self.stop_operator()?;
        installed().operator = false;
        self.delete_all_tenants().await?;
        self.bootstrap().await?;
        installed().logs = Some(logs);
        Ok(())
    }

    pub(super) async fn start_shared_operator(&self) -> Result<()> {
        let _installing = INSTALLING.lock().await;
        if !installed().operator {
            self.scale(1)?;
            self.wait_leads(1).await?;
            installed().operator = true;
        }
        Ok(())
    }

    async fn prepare(&self) -> Result<()> {
        self.import_image().await?;
        self.create_secrets()?;
        // A scenario that locked the operator out may have been interrupted. PostgreSQL,
        // where the login may not exist yet, is bootstrapped later.
        for backend in [Backend::ObjectStore, Backend::Kafka, Backend::StarRocks] {
            if self.testbed.has(backend.component()) {
                self.restore_operator_login(backend).await?;
            }
        }
        self.create_bucket().await
    }

    /// Imports the operator's image of the last build into the node.
    pub async fn import_image(&self) -> Result<()> {
        let program = binary("akili-operator")?;
        let image = operator_image(&program, &tag_of(&program)?)?;
        self.testbed.import_image(&image).await
    }

    /// Runs the bootstrap SQL and sets the password of the operator's login, as a DBA
    /// does.
    pub async fn bootstrap(&self) -> Result<()> {
        let sql = run(Command::new(binary("akili-operator")?).arg("bootstrap-sql"))?;
        self.superuser(&sql)?;
        self.restore_operator_login(Backend::PostgreSql).await
    }

    /// Creates the namespace and the Secrets that the chart needs, as an admin does.
    pub fn create_secrets(&self) -> Result<()> {
        let ca = fs::read_to_string(self.testbed.ca_path())?;
        let secret = |name: &str, entries: Value| {
            json!({
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name, "namespace": "akili-system"},
                "stringData": entries,
            })
        };
        let objects = self.testbed.object_store();
        let objects = json!({"apiVersion": "v1", "kind": "List", "items": [
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {
                    "name": "akili-system",
                    "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
                },
            },
            secret("akili-operator-postgres", json!({"password": OPERATOR_PASSWORD})),
            secret(
                "akili-operator-object-store",
                json!({
                    "access-key-id": objects.access_key,
                    "secret-access-key": objects.secret_key,
                }),
            ),
            secret(
                "akili-operator-kafka",
                json!({"password": self.testbed.kafka().password}),
            ),
            secret(
                "akili-operator-starrocks",
                json!({"password": self.testbed.starrocks().password}),
            ),
            secret("testbed-ca", json!({"ca.crt": ca})),
        ]});
        self.apply(&objects.to_string())
    }

    /// Returns the chart's values for scenarios: no replicas yet, and short intervals.
    pub fn values(&self) -> Result<Value> {
        let mut values = self.values_of_testbed()?;
        values["replicas"] = json!(0);
        let seconds = |duration: Duration| json!(format!("{}s", duration.as_secs()));
        values["config"]["auditInterval"] = seconds(AUDIT_INTERVAL);
        values["config"]["leaseDuration"] = seconds(LEASE_DURATION);
        Ok(values)
    }

    /// Returns the chart's values for the testbed's backends.
    pub fn values_of_testbed(&self) -> Result<Value> {
        let postgres = self.testbed.postgres();
        let objects = self.testbed.object_store();
        let starrocks = self.testbed.starrocks();
        let ca = json!({"caSecret": {"name": "testbed-ca"}});
        Ok(json!({
            "image": {"tag": tag_of(&binary("akili-operator")?)?},
            "config": {
                "postgres": {
                    "host": postgres.host,
                    "port": postgres.port,
                    "database": postgres.database,
                },
                "objectStore": {"endpoint": objects.endpoint},
                "kafka": {"bootstrapServers": self.testbed.kafka().bootstrap_servers},
                "starrocks": {
                    "host": starrocks.host,
                    "port": starrocks.port,
                    "user": starrocks.user,
                    "catalog": {"properties": CATALOG_PROPERTIES.into_iter().collect::<BTreeMap<_, _>>()},
                },
            },
            "postgres": ca, "objectStore": ca, "kafka": ca, "starrocks": ca,
        }))
    }

    /// Installs the chart with these values, unless the installed release has them.
    pub fn configure(&self, values: &Value) -> Result<()> {
        if installed().values.as_ref() == Some(values) {
            return Ok(());
        }
        self.install_chart(values)
    }

    pub fn install_chart(&self, values: &Value) -> Result<()> {
        if installed().values.take().is_none() {
            // A killed Helm leaves a pending release, which looks like a running upgrade.
            let pending =
                "owner=helm,name=akili-operator,status in (pending-install,pending-upgrade)";
            self.of_operator(&["delete", "secret", "-l", pending])?;
        }
        let file = self.file("values.json", &values.to_string())?;
        // Another checkout may have installed the same objects without Helm.
        let settings = ["--take-ownership", "--values", &file];
        let upgrade = ["upgrade", "--install", "akili-operator", CHART];
        self.helm(&[&upgrade[..], &settings].concat())?;
        installed().values = Some(values.clone());
        Ok(())
    }

    /// Waits until the pods belong to the last installation of the chart.
    pub fn wait_rolled_out(&self) -> Result<()> {
        let status = ["rollout", "status", "deployment/akili-operator"];
        self.of_operator(&[&status[..], &["--timeout=60s"]].concat())
            .map(drop)
    }

    pub fn helm(&self, arguments: &[&str]) -> Result<()> {
        let kubeconfig = self.testbed.kubeconfig();
        let kubeconfig = kubeconfig.to_string_lossy();
        let there = ["--kubeconfig", &kubeconfig, "--namespace", "akili-system"];
        succeed(&helm(&[arguments, &there].concat())?).map(drop)
    }

    /// Deletes the tenants of earlier runs in all planes: thousands of them would delay
    /// this run's tenants.
    async fn delete_all_tenants(&self) -> Result<()> {
        let theirs = "namespaces,clusterroles,clusterrolebindings";
        self.delete_protected(&[
            &["tenants,tenantquotas", "--all"],
            &[theirs, "-l", "akili.io/tenant-id"],
        ])
        .await?;
        self.empty_bucket().await?;
        self.testbed.remove_object_store_users("tenant-").await?;
        self.kafka_admin()?.delete_all_tenants().await?;
        self.empty_starrocks().await?;
        self.testbed.empty_postgres().await
    }
}

/// Returns true while shared scenarios use the installation: none of them stops a backend.
pub(super) fn is_in_use() -> bool {
    let installed = installed();
    installed.shared && installed.logs.is_some()
}

fn installed() -> MutexGuard<'static, Installed> {
    INSTALLED.lock().unwrap_or_else(PoisonError::into_inner)
}
