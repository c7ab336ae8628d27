//! etcd, a cluster with one member.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use async_trait::async_trait;

use crate::{
    component::Component,
    files, health,
    layout::{self, ETCD_HEALTH_PORT, ETCD_PEER_PORT, ETCD_PORT},
    pki::{self, CertificateFiles, Subject},
    process::Daemon,
    setup_command::{command, run},
    tools::tool,
};

const MEMBER: &str = "testbed";

/// More than the API server writes between a snapshot and its restoration.
const REVISIONS_AHEAD: u32 = 1_000_000_000;

/// etcd as a component.
pub struct Etcd;

#[async_trait]
impl Component for Etcd {
    fn name(&self) -> &'static str {
        "etcd"
    }

    async fn prepare(&self) -> Result<Daemon> {
        let served = certificate()?;
        let (clients, peers) = (client_url(), peer_url());
        let daemon = Daemon::new(tool("etcd"))
            .flag("name", MEMBER)
            .flag("data-dir", layout::state("etcd"))
            .flag("listen-client-urls", &clients)
            .flag("advertise-client-urls", &clients)
            .flag("listen-metrics-urls", health_url())
            .flag("listen-peer-urls", &peers)
            .flag("initial-advertise-peer-urls", &peers)
            .flag("initial-cluster", format!("{MEMBER}={peers}"))
            .flag("cert-file", served.certificate)
            .flag("key-file", served.key)
            .flag("client-cert-auth", "true")
            .flag("trusted-ca-file", pki::authority_certificate())
            // Data is discarded after a reboot, so syncing is useless.
            .flag("unsafe-no-fsync", "true")
            .flag("log-level", "warn");
        Ok(daemon)
    }

    async fn ready(&self) -> Result<()> {
        health::get(&health_url(), "/readyz").await
    }
}

/// Returns the URL for etcd's one client, the API server.
pub fn client_url() -> String {
    format!("https://127.0.0.1:{ETCD_PORT}")
}

fn peer_url() -> String {
    format!("http://127.0.0.1:{ETCD_PEER_PORT}")
}

/// Writes a snapshot of the running etcd to a file.
pub async fn save(snapshot: &Path) -> Result<()> {
    let client = certificate()?;
    let mut etcdctl = command(tool("etcdctl"));
    etcdctl.arg("--endpoints").arg(client_url());
    etcdctl.arg("--cacert").arg(pki::authority_certificate());
    etcdctl.arg("--cert").arg(client.certificate);
    etcdctl.arg("--key").arg(client.key);
    run(etcdctl.args(["snapshot", "save"]).arg(snapshot)).await?;
    Ok(())
}

/// Replaces the data directory by the content of a snapshot. Called while etcd isn't
/// running.
///
/// Revisions continue above all that clients have seen, and earlier ones are compacted:
/// watches are restarted instead of waiting for old revisions.
pub async fn restore(snapshot: &Path) -> Result<()> {
    let (data, restored) = (layout::state("etcd"), layout::state("etcd.restored"));
    files::remove_directory(&restored)?;
    let (peers, ahead) = (peer_url(), REVISIONS_AHEAD.to_string());
    let mut etcdutl = command(tool("etcdutl"));
    etcdutl.args(["snapshot", "restore"]).arg(snapshot);
    etcdutl.arg("--data-dir").arg(&restored);
    etcdutl.args(["--name", MEMBER, "--initial-advertise-peer-urls", &peers]);
    etcdutl.args(["--initial-cluster", &format!("{MEMBER}={peers}")]);
    etcdutl.args(["--bump-revision", &ahead, "--mark-compacted"]);
    run(&mut etcdutl).await?;
    files::remove_directory(&data)?;
    fs::rename(&restored, &data).with_context(|| format!("can't create {}", data.display()))
}

fn health_url() -> String {
    format!("http://127.0.0.1:{ETCD_HEALTH_PORT}")
}

/// Returns the server's certificate, which its client uses too.
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
