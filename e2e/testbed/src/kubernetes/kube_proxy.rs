//! kube-proxy, which implements Services as rules of the packet filter.

use std::collections::BTreeSet;

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

/// Returns the addresses of the pods that get the requests to a Service, such as
/// `akili-system/akili-operator-webhook`. kube-proxy follows the API server a little later.
pub async fn service_targets(service: &str) -> Result<BTreeSet<String>> {
    let rules = run(command("nft").args(["list", "table", "ip", "kube-proxy"])).await?;
    Ok(targets(&rules, service))
}

/// Reads the jumps to endpoints, as in `0 : goto endpoint-2QRHZV4L-ns/name/tcp/https__10.88.0.7/9443`.
/// Chains of former endpoints remain for a while, and nothing jumps to them.
fn targets(rules: &str, service: &str) -> BTreeSet<String> {
    let service = format!("-{service}/");
    let jumps = rules.split("goto endpoint-").skip(1);
    let chains = jumps.filter_map(|jump| jump.split([' ', ',', '\n']).next());
    chains
        .filter(|chain| chain.contains(&service))
        .filter_map(|chain| chain.split_once("__")?.1.split_once('/'))
        .map(|(address, _)| address.to_owned())
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_the_endpoints_that_rules_jump_to() {
        let rules = "\
            chain endpoint-A-ns/web/tcp/https__10.88.0.7/9443 { dnat to 10.88.0.7:9443 }\n\
            chain endpoint-B-ns/web/tcp/https__10.88.0.6/9443 { dnat to 10.88.0.6:9443 }\n\
            chain service-C-ns/web/tcp/https {\n\
            numgen random mod 2 vmap { 0 : goto endpoint-A-ns/web/tcp/https__10.88.0.7/9443, \
            1 : goto endpoint-D-ns/web/tcp/https__10.88.0.8/9443 }\n}\n\
            numgen random mod 1 vmap { 0 : goto endpoint-E-ns/web-2/tcp/https__10.88.0.9/9443 }";
        let expected = ["10.88.0.7", "10.88.0.8"].map(str::to_owned);
        assert_eq!(targets(rules, "ns/web"), BTreeSet::from(expected));
        assert!(targets(rules, "ns/other").is_empty());
    }
}
