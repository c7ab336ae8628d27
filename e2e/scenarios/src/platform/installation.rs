//! What an admin and a DBA install, on a testbed that has no tenant left.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::canaries::LogLengths;
use super::{AUDIT_INTERVAL, Backend, LEASE_DURATION, Platform};
use akili_testbed::chart::{CHART, helm};
use akili_testbed::command::{binary, run, succeed};
use akili_testbed::operator_image::{operator_image, tag_of};

/// The password of the operator's login on the testbed; a word that nothing else
/// contains, so that it can be searched for where it must not be.
pub const OPERATOR_PASSWORD: &str = "canary-of-the-operator";

/// The bucket that all tenants share, as the chart has it.
pub const BUCKET: &str = "akili";

/// The metastore of tenants' catalogs. There is none here: nobody reads an Iceberg table.
pub const CATALOG_PROPERTIES: [(&str, &str); 2] = [
    ("iceberg.catalog.type", "rest"),
    ("iceberg.catalog.uri", "https://iceberg.example.com/{slug}"),
];

/// How long the backends' logs were when the platform was installed for this subject.
pub(super) static INSTALLED: Mutex<Option<LogLengths>> = Mutex::new(None);
/// What the scenarios that run now are about.
static SUBJECT: Mutex<&str> = Mutex::new("");

impl Platform {
    /// Says what the next scenario is about: the first of another subject finds the
    /// platform installed afresh.
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
            let logs = self.install_afresh().await?;
            *installed() = Some(logs);
        }
        Ok(())
    }

    async fn install_afresh(&self) -> Result<LogLengths> {
        let logs = self.log_lengths()?;
        self.import_image().await?;
        self.make_secrets()?;
        // A test that locked it out may not have come to its end. PostgreSQL, where it may
        // have no login as yet, is bootstrapped below.
        for backend in [Backend::ObjectStore, Backend::Kafka, Backend::StarRocks] {
            if self.testbed.has(backend.component()) {
                self.let_operator_in(backend).await?;
            }
        }
        self.make_bucket().await?;
        self.install_chart(&self.values()?)?;
        self.forget_tenants().await?;
        self.bootstrap().await?;
        Ok(logs)
    }

    /// Makes the operator's image, as it was built last, known to the node.
    pub async fn import_image(&self) -> Result<()> {
        let program = binary("akili-operator")?;
        let image = operator_image(&program, &tag_of(&program)?)?;
        self.testbed.import_image(&image).await
    }

    /// What a DBA does: the bootstrap SQL, and the password of the operator's login.
    pub async fn bootstrap(&self) -> Result<()> {
        let sql = run(Command::new(binary("akili-operator")?).arg("bootstrap-sql"))?;
        self.superuser(&sql)?;
        self.let_operator_in(Backend::PostgreSql).await
    }

    /// What an admin makes before the chart: the namespace, and what the operator
    /// reaches PostgreSQL with.
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

    /// The chart's values for scenarios: no replica as yet, and an operator that is in
    /// a hurry.
    pub fn values(&self) -> Result<Value> {
        let mut values = self.values_of_testbed()?;
        values["replicas"] = json!(0);
        let seconds = |duration: Duration| json!(format!("{}s", duration.as_secs()));
        values["config"]["auditInterval"] = seconds(AUDIT_INTERVAL);
        values["config"]["leaseDuration"] = seconds(LEASE_DURATION);
        Ok(values)
    }

    /// The chart's values that say what the testbed is like.
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

    /// Installs or upgrades the chart with these values.
    pub fn install_chart(&self, values: &Value) -> Result<()> {
        // What a killed Helm left behind would look like one that is at work.
        let pending = "owner=helm,name=akili-operator,status in (pending-install,pending-upgrade)";
        self.of_operator(&["delete", "secret", "-l", pending])?;
        let file = self.folder.join("values.json");
        fs::write(&file, values.to_string())?;
        let file = file.to_string_lossy();
        // Another checkout may have installed the same without Helm.
        let values = ["--take-ownership", "--values", &file];
        let upgrade = ["upgrade", "--install", "akili-operator", CHART];
        self.helm(&[&upgrade[..], &values].concat())
    }

    /// Waits until the pods are those of the chart as it was installed last.
    pub fn wait_rolled_out(&self) -> Result<()> {
        let status = ["rollout", "status", "deployment/akili-operator"];
        self.of_operator(&[&status[..], &["--timeout=60s"]].concat())
            .map(drop)
    }

    /// Runs Helm in the operator's namespace.
    pub fn helm(&self, arguments: &[&str]) -> Result<()> {
        let kubeconfig = self.testbed.kubeconfig();
        let kubeconfig = kubeconfig.to_string_lossy();
        let there = ["--kubeconfig", &kubeconfig, "--namespace", "akili-system"];
        succeed(&helm(&[arguments, &there].concat())?).map(drop)
    }

    /// Takes away what the tenants of earlier runs have: thousands of them would keep
    /// the operator from those of this run.
    async fn forget_tenants(&self) -> Result<()> {
        let theirs = "namespaces,clusterroles,clusterrolebindings";
        self.delete_protected(&[
            &["tenants,tenantquotas", "--all"],
            &[theirs, "-l", "akili.io/tenant-id"],
        ])
        .await?;
        self.empty_bucket().await?;
        self.testbed.remove_object_store_users("tenant-").await?;
        self.kafka_admin()?.forget_tenants().await?;
        self.empty_starrocks().await?;
        self.testbed.empty_postgres().await
    }
}
