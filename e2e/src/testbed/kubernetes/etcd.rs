//! etcd, a cluster of one.

use anyhow::Result;
use async_trait::async_trait;

use crate::testbed::{
    component::Component,
    health,
    layout::{self, ETCD_HEALTH_PORT, ETCD_PEER_PORT, ETCD_PORT},
    pki::{self, CertificateFiles, Subject},
    process::Daemon,
    tools::tool,
};

/// etcd as a component.
pub struct Etcd;

#[async_trait]
impl Component for Etcd {
    fn name(&self) -> &'static str {
        "etcd"
    }

    async fn prepare(&self) -> Result<Daemon> {
        let served = certificate()?;
        let (clients, peers) = (client_url(), format!("http://127.0.0.1:{ETCD_PEER_PORT}"));
        let daemon = Daemon::new(tool("etcd"))
            .flag("name", "testbed")
            .flag("data-dir", layout::state("etcd"))
            .flag("listen-client-urls", &clients)
            .flag("advertise-client-urls", &clients)
            .flag("listen-metrics-urls", health_url())
            .flag("listen-peer-urls", &peers)
            .flag("initial-advertise-peer-urls", &peers)
            .flag("initial-cluster", format!("testbed={peers}"))
            .flag("cert-file", served.certificate)
            .flag("key-file", served.key)
            .flag("client-cert-auth", "true")
            .flag("trusted-ca-file", pki::authority_certificate())
            // Data lives as long as the machine is up, and not a moment longer.
            .flag("unsafe-no-fsync", "true")
            .flag("log-level", "warn");
        Ok(daemon)
    }

    async fn ready(&self) -> Result<()> {
        health::get(&health_url(), "/readyz").await
    }
}

/// The URL for etcd's one client, the API server.
pub fn client_url() -> String {
    format!("https://127.0.0.1:{ETCD_PORT}")
}

fn health_url() -> String {
    format!("http://127.0.0.1:{ETCD_HEALTH_PORT}")
}

/// The server's certificate; its client shows the same.
pub fn certificate() -> Result<CertificateFiles> {
    pki::issue(
        "etcd",
        &Subject {
            common_name: "etcd",
            organization: None,
            names: &["127.0.0.1"],
        },
    )
}
