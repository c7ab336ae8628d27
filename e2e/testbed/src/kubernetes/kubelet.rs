//! The kubelet of the one node.

use std::{fs, time::Duration};

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, NodeCondition};
use kube::Api;
use serde_json::{Value, json};

use super::{containerd, write_kubeconfig};
use crate::{
    component::Component,
    connect, files, health,
    layout::{self, KUBELET_HEALTH_PORT, KUBELET_PORT, NODE_ADDRESS, NODE_NAME},
    leftovers,
    pki::{self, CertificateFiles, Subject},
    process::{Daemon, Process},
    tools::tool,
};

/// Directory of links to containers' logs, fixed in the kubelet.
const LOG_LINKS: &str = "/var/log/containers";
/// Directory of device plugins' sockets, fixed in the kubelet.
const DEVICE_PLUGINS: &str = "/var/lib/kubelet/device-plugins";

/// The kubelet as a component.
pub struct Kubelet;

#[async_trait]
impl Component for Kubelet {
    fn name(&self) -> &'static str {
        "kubelet"
    }

    fn needs(&self) -> &'static [&'static str] {
        &["containerd", "kube-apiserver"]
    }

    async fn prepare(&self) -> Result<Daemon> {
        let subject = Subject {
            common_name: NODE_NAME,
            organization: None,
            names: &[NODE_NAME, NODE_ADDRESS],
        };
        let served = pki::issue("kubelet-server", &subject)?;
        let kubeconfig = write_kubeconfig(
            self.name(),
            &format!("system:node:{NODE_NAME}"),
            Some("system:nodes"),
        )?;
        let config = layout::state("kubelet/config.json");
        files::write_json(&config, &configuration(&served))?;
        let daemon = Daemon::new(tool(self.name()))
            .flag("config", config)
            .flag("kubeconfig", kubeconfig)
            .flag("hostname-override", NODE_NAME)
            .flag("node-ip", NODE_ADDRESS)
            .flag("root-dir", layout::state("kubelet"))
            .flag("cert-dir", layout::state("kubelet/pki"));
        Ok(daemon)
    }

    async fn ready(&self) -> Result<()> {
        health::get(
            &format!("http://127.0.0.1:{KUBELET_HEALTH_PORT}"),
            "/healthz",
        )
        .await?;
        let nodes = Api::<Node>::all(connect::client(&layout::admin_kubeconfig()).await?);
        let node = nodes
            .get(NODE_NAME)
            .await
            .context("the node isn't registered")?;
        let running_for = Process::of(self.name())
            .and_then(Process::age)
            .unwrap_or_default();
        is_ready(&node, running_for)
    }

    async fn clean_up(&self) -> Result<()> {
        leftovers::unmount_all_below(&layout::state("kubelet"))?;
        for link in leftovers::entries(LOG_LINKS) {
            if fs::read_link(&link).is_ok_and(|target| target.starts_with(layout::STATE_DIRECTORY))
            {
                files::remove(&link)?;
            }
        }
        leftovers::remove_dead_sockets(DEVICE_PLUGINS.as_ref())?;
        // The last one belongs to mount(8), which the kubelet calls.
        leftovers::remove_empty_directories(&[
            LOG_LINKS,
            DEVICE_PLUGINS,
            "/var/lib/kubelet",
            "/run/mount",
        ]);
        Ok(())
    }
}

/// Succeeds if this kubelet, not an earlier one, reported the node as ready, and pods can
/// be scheduled.
fn is_ready(node: &Node, running_for: Duration) -> Result<()> {
    let conditions = node
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_deref())
        .unwrap_or_default();
    let ready = conditions
        .iter()
        .find(|condition| condition.type_ == "Ready")
        .context("the node has no state yet")?;
    if !reported_within(ready, running_for) {
        bail!("the node's state is from an earlier kubelet");
    }
    if ready.status != "True" {
        bail!(
            "the node isn't ready: {}",
            ready.message.as_deref().unwrap_or("no reason given")
        );
    }
    let taints = node
        .spec
        .as_ref()
        .and_then(|spec| spec.taints.as_deref())
        .unwrap_or_default();
    if taints
        .iter()
        .any(|taint| taint.key == "node.kubernetes.io/not-ready")
    {
        bail!("the node is still tainted as not ready");
    }
    Ok(())
}

fn reported_within(condition: &NodeCondition, time: Duration) -> bool {
    let Some(reported) = &condition.last_heartbeat_time else {
        return false;
    };
    let ago = Timestamp::now().duration_since(reported.0);
    // The API's times are whole seconds.
    Duration::try_from(ago).is_ok_and(|ago| ago <= time + Duration::from_secs(1))
}

fn configuration(served: &CertificateFiles) -> Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_ADDRESS,
        "port": KUBELET_PORT,
        "healthzBindAddress": "127.0.0.1",
        "healthzPort": KUBELET_HEALTH_PORT,
        "tlsCertFile": served.certificate,
        "tlsPrivateKeyFile": served.key,
        "authentication": {
            "anonymous": { "enabled": false },
            "webhook": { "enabled": true },
            "x509": { "clientCAFile": pki::authority_certificate() },
        },
        "authorization": { "mode": "Webhook" },
        "containerRuntimeEndpoint": format!("unix://{}", containerd::socket().display()),
        "podLogsDir": layout::state("pod-logs"),
        "volumePluginDir": layout::state("volume-plugins"),
        // Control groups as far as every machine, or a surrounding container, allows
        // them.
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": false,
        "enforceNodeAllocatable": [],
        "failCgroupV1": false,
        "failSwapOn": false,
        "oomScoreAdj": 0,
        "localStorageCapacityIsolation": false,
        // kube-proxy writes all rules that are needed.
        "makeIPTablesUtilChains": false,
        // Images can't be pulled again, and a developer's disk is often almost full.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": { "nodefs.available": "1%" },
    })
}
