//! Installation of the platform on a testbed without tenants, as an admin and a DBA do
//! it.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::logs::{INSTALLED, LogLengths};
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

/// Subject of the running scenarios.
static SUBJECT: Mutex<&str> = Mutex::new("");

impl Platform {
    /// Sets the subject of the next scenario. The platform is reinstalled for the first
    /// scenario of each subject.
    pub fn begin(subject: &'static str) {
        let mut current = SUBJECT.lock().unwrap_or_else(PoisonError::into_inner);
        if *current != subject {
            *current = subject;
            *INSTALLED.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    pub(super) async fn install_once(&self) -> Result<()> {
        let installed = || INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
        if installed().is_none() {
            let logs = self.reinstall().await?;
            *installed() = Some(logs);
        }
        Ok(())
    }

    async fn reinstall(&self) -> Result<LogLengths> {
        let logs = self.log_lengths()?;
        self.import_image().await?;
        self.make_secrets()?;
        // A scenario that locked the operator out may have been interrupted. PostgreSQL,
        // where the login may not exist yet, is bootstrapped below.
        for backend in [Backend::ObjectStore, Backend::Kafka, Backend::StarRocks] {
            if self.testbed.has(backend.component()) {
                self.restore_operator_login(backend).await?;
            }
        }
        self.make_bucket().await?;
        self.install_chart(&self.values()?)?;
        self.delete_all_tenants().await?;
        self.bootstrap().await?;
        Ok(logs)
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
    pub fn make_secrets(&self) -> Result<()> {
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
        let file = self.folder.join("secrets.json");
        fs::write(&file, objects.to_string())?;
        self.kubectl(&["apply", "-f", &file.to_string_lossy()])?;
        fs::remove_file(&file)?;
        Ok(())
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

    pub fn install_chart(&self, values: &Value) -> Result<()> {
        // A killed Helm leaves a pending release, which looks like a running upgrade.
        let pending = "owner=helm,name=akili-operator,status in (pending-install,pending-upgrade)";
        self.of_operator(&["delete", "secret", "-l", pending])?;
        let file = self.folder.join("values.json");
        fs::write(&file, values.to_string())?;
        let file = file.to_string_lossy();
        // Another checkout may have installed the same objects without Helm.
        let values = ["--take-ownership", "--values", &file];
        let upgrade = ["upgrade", "--install", "akili-operator", CHART];
        self.helm(&[&upgrade[..], &values].concat())
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
