//! Addresses, ports and paths of the testbed.
//!
//! The kubelet, the network and the packet filter belong to the machine, so there is one
//! testbed per machine and everything here is fixed. Every checkout finds the same
//! testbed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The name of the one Kubernetes node.
pub const NODE_NAME: &str = "akili";

/// Address of the node, on the loopback device. Pods can reach it, unlike 127.0.0.1;
/// other machines can't.
pub const NODE_ADDRESS: &str = "10.77.0.1";

pub const POD_CIDR: &str = "10.88.0.0/16";

pub const SERVICE_CIDR: &str = "10.96.0.0/16";

/// Address of the Service `kubernetes`, the first of [`SERVICE_CIDR`].
pub const API_SERVICE_ADDRESS: &str = "10.96.0.1";

/// kube-apiserver, on [`NODE_ADDRESS`].
pub const API_SERVER_PORT: u16 = 6443;

/// The OpenID Connect issuer, on [`NODE_ADDRESS`].
pub const ISSUER_PORT: u16 = 6444;

/// The kubelet's API, on [`NODE_ADDRESS`].
pub const KUBELET_PORT: u16 = 10250;

/// PostgreSQL, on [`NODE_ADDRESS`].
pub const POSTGRES_PORT: u16 = 15432;

/// Ceph's monitor, on [`NODE_ADDRESS`].
pub const CEPH_MONITOR_PORT: u16 = 13300;

/// The first and the last port of Ceph's OSD, on [`NODE_ADDRESS`].
pub const CEPH_OSD_PORTS: (u16, u16) = (13310, 13330);

/// The object store, on [`NODE_ADDRESS`].
pub const OBJECT_STORE_PORT: u16 = 17480;

/// Kafka for its clients, on [`NODE_ADDRESS`].
pub const KAFKA_PORT: u16 = 19092;

/// Kafka's controller, on 127.0.0.1.
pub const KAFKA_CONTROLLER_PORT: u16 = 19093;

/// Kafka's inter-broker listener, on 127.0.0.1 (there is one broker).
pub const KAFKA_INTERNAL_PORT: u16 = 19094;

/// StarRocks' stand-in, on [`NODE_ADDRESS`].
pub const STARROCKS_PORT: u16 = 19030;

/// etcd for its clients, on 127.0.0.1.
pub const ETCD_PORT: u16 = 12379;

/// etcd's peer listener, on 127.0.0.1 (there are no peers).
pub const ETCD_PEER_PORT: u16 = 12380;

/// etcd's health and metrics, on 127.0.0.1.
pub const ETCD_HEALTH_PORT: u16 = 12381;

/// The kubelet's health, on 127.0.0.1.
pub const KUBELET_HEALTH_PORT: u16 = 10248;

/// kube-proxy's metrics, on 127.0.0.1.
pub const KUBE_PROXY_METRICS_PORT: u16 = 10249;

/// kube-proxy's health, on 127.0.0.1.
pub const KUBE_PROXY_HEALTH_PORT: u16 = 10256;

/// kube-controller-manager's health and metrics, on 127.0.0.1.
pub const CONTROLLER_MANAGER_PORT: u16 = 10257;

/// kube-scheduler's health and metrics, on 127.0.0.1.
pub const SCHEDULER_PORT: u16 = 10259;

/// Directory of everything that the testbed writes.
pub const STATE_DIRECTORY: &str = "/var/lib/akili-testbed";

/// Returns a path below [`STATE_DIRECTORY`].
pub fn state(relative: impl AsRef<Path>) -> PathBuf {
    Path::new(STATE_DIRECTORY).join(relative)
}

/// Returns the path of a component's log, its standard output and error.
pub fn log_file(component: &str) -> PathBuf {
    state("logs").join(format!("{component}.log"))
}

/// Returns the path of the API server's audit log: requests of ServiceAccounts, one JSON
/// object per line.
pub fn audit_log() -> PathBuf {
    log_file("audit")
}

/// Returns the path of the kubeconfig of a member of `system:masters`.
pub fn admin_kubeconfig() -> PathBuf {
    state("admin.kubeconfig")
}

pub fn api_server_url() -> String {
    format!("https://{NODE_ADDRESS}:{API_SERVER_PORT}")
}

/// Returns the directory of built tools below the user's cache directory; it outlives the
/// testbed.
pub fn cache_directory() -> Result<PathBuf> {
    let cache = match std::env::var_os("XDG_CACHE_HOME") {
        Some(cache) => PathBuf::from(cache),
        None => std::env::home_dir()
            .context(
                "neither XDG_CACHE_HOME nor HOME is set, so there is no place for built tools",
            )?
            .join(".cache"),
    };
    Ok(cache.join("akili/tools"))
}
