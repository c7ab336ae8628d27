//! The operator as users run it: the pods of the chart's Deployment.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::api::text_at;
use super::{BUCKET, CATALOG_PROPERTIES, OPERATOR_PASSWORD, Platform, TIMEOUT};
use akili_testbed::command::{binary, run};

/// The operator's audit interval on the testbed.
pub const AUDIT_INTERVAL: Duration = Duration::from_secs(2);
/// The operator's lease duration on the testbed, for which a killed leader keeps the
/// lease.
pub const LEASE_DURATION: Duration = Duration::from_secs(3);

const NAMESPACE: &str = "akili-system";
const NAME: &str = "akili-operator";
const DEPLOYMENT: &str = "deployment/akili-operator";
const SERVICE: &str = "akili-system/akili-operator-webhook";
const PODS: &str = "app.kubernetes.io/name=akili-operator";

/// The running operator; stopped when dropped, unless other scenarios use it too.
pub struct Operator<'a>(&'a Platform);

impl Platform {
    /// Starts one replica of the operator; returns once it leads and is connected to its
    /// registry.
    pub async fn start_operator(&self) -> Result<Operator<'_>> {
        if !self.is_shared() {
            return self.start_replicas(1).await;
        }
        self.start_shared_operator().await?;
        Ok(Operator(self))
    }

    /// Starts replicas; returns once all are ready and one leads.
    pub async fn start_replicas(&self, replicas: usize) -> Result<Operator<'_>> {
        let operator = Operator(self);
        self.scale(replicas)?;
        self.wait_leads(replicas).await?;
        Ok(operator)
    }

    /// Waits until this many replicas are ready and the leader has prepared its registry.
    pub(super) async fn wait_leads(&self, replicas: usize) -> Result<()> {
        self.eventually("all replicas are ready", || {
            Ok(self.ready_replicas()? == replicas)
        })
        .await?;
        self.wait_reachable().await?;
        self.eventually("one of them leads", || {
            // The API server can't forward to a pod before it knows the pod's address.
            let leads = |metrics: String| metrics.contains("akili_leading 1");
            Ok(self.leader()?.is_some() && self.metrics().is_ok_and(leads))
        })
        .await?;
        let claimed = "SELECT count(*) FROM akili.installation";
        self.eventually("the leader has reached its registry", || {
            Ok(self
                .superuser(claimed)
                .is_ok_and(|count| count.trim() == "1"))
        })
        .await
    }

    /// Waits until requests to the webhook reach each pod that isn't being deleted, and no
    /// other: kube-proxy notices pods a little after the API server.
    pub async fn wait_reachable(&self) -> Result<()> {
        let began = Instant::now();
        loop {
            let pods = self.list("Pod", NAMESPACE, &format!("labelSelector={PODS}"))?;
            let stay = pods
                .iter()
                .filter(|pod| text_at(pod, ".metadata.deletionTimestamp").is_empty());
            let addresses: BTreeSet<_> = stay.map(|pod| text_at(pod, ".status.podIP")).collect();
            let targets = self.testbed.service_targets(SERVICE).await?;
            if targets == addresses {
                return Ok(());
            }
            ensure!(
                began.elapsed() < TIMEOUT,
                "requests to the webhook go to {targets:?}, the pods are {addresses:?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Returns the number of ready replicas.
    pub fn ready_replicas(&self) -> Result<usize> {
        let ready = self.field("Deployment", NAMESPACE, NAME, ".status.readyReplicas")?;
        // Kubernetes omits a zero.
        Ok(if ready.is_empty() { 0 } else { ready.parse()? })
    }

    /// Returns the pod that holds the lease, if the pod still exists.
    pub fn leader(&self) -> Result<Option<String>> {
        let Some(lease) = self.find("Lease", NAMESPACE, NAME)? else {
            return Ok(None);
        };
        let holder = text_at(&lease, ".spec.holderIdentity");
        let pods = self.pods()?;
        Ok(pods
            .into_iter()
            .find(|pod| holder.starts_with(&format!("{pod}_"))))
    }

    /// Returns the names of the operator's pods.
    pub fn pods(&self) -> Result<Vec<String>> {
        let pods = self.list("Pod", NAMESPACE, &format!("labelSelector={PODS}"))?;
        let names = pods.iter().map(|pod| text_at(pod, ".metadata.name"));
        Ok(names.collect())
    }

    /// Restarts all pods, one after the other, and waits for the rollout. Other tasks of
    /// this thread continue meanwhile.
    pub async fn roll_out(&self) -> Result<()> {
        for rollout in [&["restart"][..], &["status", "--timeout=60s"]] {
            let mut kubectl = Command::new(self.testbed.kubectl());
            kubectl.arg("--kubeconfig").arg(self.testbed.kubeconfig());
            kubectl.args(["-n", NAMESPACE, "rollout"]);
            kubectl.args(rollout).arg(DEPLOYMENT);
            tokio::task::spawn_blocking(move || run(&mut kubectl)).await??;
        }
        Ok(())
    }

    /// Kills all processes of a pod and deletes the pod.
    pub async fn kill_pod(&self, pod: &str) -> Result<()> {
        let container = self.container_of(pod)?;
        self.testbed.kill_container(&container).await?;
        self.delete_pod_at_once(pod)
    }

    /// Freezes all processes of a pod, which they can't notice, a given time after
    /// `begin`. The container is looked up before `begin`, because that takes longer than
    /// a tenant's provisioning.
    pub async fn freeze_pod_after(
        &self,
        pod: &str,
        begin: impl FnOnce() -> Result<()>,
        time: Duration,
    ) -> Result<()> {
        let container = self.container_of(pod)?;
        begin()?;
        tokio::time::sleep(time).await;
        self.testbed.freeze_container(&container).await
    }

    /// Resumes a frozen pod.
    pub async fn thaw_pod(&self, pod: &str) -> Result<()> {
        let container = self.container_of(pod)?;
        self.testbed.thaw_container(&container).await
    }

    /// Returns the number of restarts of a pod's container.
    pub fn restarts_of(&self, pod: &str) -> Result<u32> {
        let count = ".status.containerStatuses[0].restartCount";
        Ok(self.field("Pod", NAMESPACE, pod, count)?.parse()?)
    }

    /// Returns a pod's address.
    pub fn address_of(&self, pod: &str) -> Result<String> {
        self.field("Pod", NAMESPACE, pod, ".status.podIP")
    }

    fn container_of(&self, pod: &str) -> Result<String> {
        let id = ".status.containerStatuses[0].containerID";
        let container = self.field("Pod", NAMESPACE, pod, id)?;
        Ok(container.trim_start_matches("containerd://").to_owned())
    }

    /// Deletes a pod at once; the kubelet would restart its container with growing
    /// delays.
    fn delete_pod_at_once(&self, pod: &str) -> Result<()> {
        self.delete_now("Pod", NAMESPACE, pod)
    }

    /// Runs `akili-operator check` as an admin; a failure is part of the output.
    pub fn check(&self, arguments: &[&str]) -> Result<Output> {
        Ok(self.check_command()?.args(arguments).output()?)
    }

    /// Runs `akili-operator check` with one changed setting.
    pub fn check_with(&self, variable: &str, value: &str) -> Result<Output> {
        Ok(self.check_command()?.env(variable, value).output()?)
    }

    fn check_command(&self) -> Result<Command> {
        let database = self.testbed.postgres();
        let objects = self.testbed.object_store();
        let (kafka, starrocks) = (self.testbed.kafka(), self.testbed.starrocks());
        let properties: BTreeMap<_, _> = CATALOG_PROPERTIES.into_iter().collect();
        let mut command = Command::new(binary("akili-operator")?);
        command
            .arg("check")
            .env("KUBECONFIG", self.testbed.kubeconfig())
            .env("AKILI_POSTGRES__HOST", database.host)
            .env("AKILI_POSTGRES__PORT", database.port.to_string())
            .env("AKILI_POSTGRES__DATABASE", database.database)
            .env("AKILI_POSTGRES__CA_FILE", &database.ca_path)
            .env("AKILI_POSTGRES__PASSWORD", OPERATOR_PASSWORD)
            .env("AKILI_OBJECT_STORE__ENDPOINT", &objects.endpoint)
            .env("AKILI_OBJECT_STORE__BUCKET", BUCKET)
            .env("AKILI_OBJECT_STORE__ACCESS_KEY", &objects.access_key)
            .env("AKILI_OBJECT_STORE__SECRET_KEY", &objects.secret_key)
            .env("AKILI_OBJECT_STORE__CA_FILE", &objects.ca_path)
            .env("AKILI_KAFKA__BOOTSTRAP_SERVERS", &kafka.bootstrap_servers)
            .env("AKILI_KAFKA__PASSWORD", &kafka.password)
            .env("AKILI_KAFKA__CA_FILE", &kafka.ca_path)
            .env("AKILI_STARROCKS__HOST", &starrocks.host)
            .env("AKILI_STARROCKS__PORT", starrocks.port.to_string())
            .env("AKILI_STARROCKS__USER", &starrocks.user)
            .env("AKILI_STARROCKS__PASSWORD", &starrocks.password)
            .env(
                "AKILI_STARROCKS__CATALOG",
                json!({"properties": properties}).to_string(),
            );
        if let Some(ca) = &starrocks.ca_path {
            command.env("AKILI_STARROCKS__CA_FILE", ca);
        }
        Ok(command)
    }

    pub async fn kubectl_as_operator(&self, arguments: &[&str]) -> Result<Output> {
        let kubeconfig = self.folder.join("operator.kubeconfig");
        self.testbed
            .service_account_kubeconfig("akili-system", "akili-operator", &kubeconfig)
            .await?;
        Ok(Command::new(self.testbed.kubectl())
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .args(arguments)
            .output()?)
    }

    /// Returns the metrics of the leading replica.
    pub fn metrics(&self) -> Result<String> {
        let leader = self.leader()?.context("no replica leads")?;
        let path = format!("/api/v1/namespaces/akili-system/pods/{leader}:8080/proxy/metrics");
        self.raw(&path)
    }

    /// Returns the logs of all replicas.
    pub fn log(&self) -> Result<String> {
        self.of_operator(&["logs", "-l", PODS, "--tail=-1", "--prefix"])
    }

    pub(super) fn end_of_log(&self) -> String {
        let log = self.of_operator(&["logs", "-l", PODS, "--tail=10", "--prefix"]);
        format!(
            "the end of the operator's log:\n{}",
            log.unwrap_or_else(|error| format!("{error:#}"))
        )
    }

    /// Runs `kubectl` in the operator's namespace and returns its output.
    pub fn of_operator(&self, arguments: &[&str]) -> Result<String> {
        self.kubectl(&[arguments, &["-n", NAMESPACE]].concat())
    }

    pub(super) fn scale(&self, replicas: usize) -> Result<()> {
        let spec = json!({"spec": {"replicas": replicas}});
        self.patch("Deployment", NAMESPACE, NAME, &spec).map(drop)
    }

    /// Stops all replicas. The leader releases the Lease once its reconciles have finished;
    /// from then on it only serves the webhook, which no scenario waits for. A process that
    /// outlived its pod would keep answering the API server's open connections, without
    /// rights, so it is killed.
    pub(super) fn stop_operator(&self) -> Result<()> {
        self.scale(0)?;
        self.until(|| Ok(self.leader()?.is_none()))
            .context("the operator doesn't release its Lease")?;
        for pod in self.pods()? {
            // Fails if the process has ended by itself.
            let _ = self.kill_now(&pod);
            self.delete_pod_at_once(&pod)?;
        }
        self.until(|| Ok(self.pods()?.is_empty()))
            .context("the operator's pods still exist")
    }

    fn kill_now(&self, pod: &str) -> Result<()> {
        let (testbed, container) = (self.testbed.clone(), self.container_of(pod)?);
        self.wait_for(|_| Box::pin(async move { testbed.kill_container(&container).await }))
    }

    fn until(&self, holds: impl Fn() -> Result<bool>) -> Result<()> {
        let began = Instant::now();
        while !holds()? {
            ensure!(began.elapsed() < TIMEOUT, "not within {TIMEOUT:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Operator<'_> {
    /// Stops all replicas; returns once their processes have ended, and with them the
    /// webhook.
    pub fn stop(self) -> Result<()> {
        self.0.scale(0)?;
        self.0
            .until(|| Ok(self.0.pods()?.is_empty()))
            .context("the operator's pods still exist")
    }

    /// Calls `begin`, sends SIGKILL to the only replica after this time, and scales to
    /// zero.
    pub async fn kill_after(
        self,
        begin: impl FnOnce() -> Result<()>,
        time: Duration,
    ) -> Result<()> {
        let leader = self.0.leader()?.context("no replica leads")?;
        // The lookup takes longer than a tenant's provisioning.
        let container = self.0.container_of(&leader)?;
        begin()?;
        tokio::time::sleep(time).await;
        self.0.testbed.kill_container(&container).await?;
        self.0.scale(0)?;
        self.0.delete_pod_at_once(&leader)?;
        // A killed leader doesn't release the Lease; its successor would wait until it expires.
        self.0.delete_now("Lease", NAMESPACE, NAME)
    }
}

impl Drop for Operator<'_> {
    fn drop(&mut self) {
        if self.0.is_shared() {
            return;
        }
        if let Err(error) = self.0.stop_operator() {
            eprintln!("can't stop the operator: {error:#}");
        }
    }
}
