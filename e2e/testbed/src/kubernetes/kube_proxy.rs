//! kube-proxy, which implements Services as rules of the packet filter.

use anyhow::Result;
use async_trait::async_trait;
use serde_json::{Value, json};

use super::write_kubeconfig;
use crate::{
    component::Component,
    files, health,
    layout::{
        self, API_SERVICE_ADDRESS, KUBE_PROXY_HEALTH_PORT, KUBE_PROXY_METRICS_PORT, NODE_NAME,
        POD_CIDR,
    },
    process::Daemon,
    setup_command::{command, run},
    tools::tool,
};

/// kube-proxy as a component.
pub struct KubeProxy;

#[async_trait]
impl Component for KubeProxy {
    fn name(&self) -> &'static str {
        "kube-proxy"
    }

    /// The kubelet registers the node, which kube-proxy reads at its start.
    fn needs(&self) -> &'static [&'static str] {
        &["kubelet"]
    }

    async fn prepare(&self) -> Result<Daemon> {
        write_kubeconfig(self.name(), "system:kube-proxy", None)?;
        let config = layout::state("kube-proxy/config.json");
        files::write_json(&config, &configuration())?;
        Ok(Daemon::new(tool(self.name())).flag("config", config))
    }

    /// Ready once the first Service answers.
    async fn ready(&self) -> Result<()> {
        health::listens(API_SERVICE_ADDRESS, 443).await
    }

    async fn clean_up(&self) -> Result<()> {
        let tables = run(command("nft").args(["list", "tables"])).await?;
        for table in tables
            .lines()
            .filter_map(|line| line.strip_prefix("table "))
        {
            let Some((family, name)) = table.split_once(' ') else {
                continue;
            };
            if name == "kube-proxy" {
                run(command("nft").args(["delete", "table", family, name])).await?;
            }
        }
        Ok(())
    }
}

fn configuration() -> Value {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": { "kubeconfig": layout::state("kube-proxy.kubeconfig") },
        "hostnameOverride": NODE_NAME,
        "mode": "nftables",
        "clusterCIDR": POD_CIDR,
        "healthzBindAddress": format!("127.0.0.1:{KUBE_PROXY_HEALTH_PORT}"),
        "metricsBindAddress": format!("127.0.0.1:{KUBE_PROXY_METRICS_PORT}"),
        // Zero leaves the machine's settings unchanged.
        "conntrack": { "maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s" },
    })
}
