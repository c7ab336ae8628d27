//! kube-controller-manager and kube-scheduler.

use anyhow::Result;
use async_trait::async_trait;

use super::write_kubeconfig;
use crate::{
    component::Component,
    health,
    layout::{self, CONTROLLER_MANAGER_PORT, SCHEDULER_PORT},
    pki::{self, Subject},
    process::Daemon,
    tools::tool,
};

/// kube-controller-manager as a component.
pub struct ControllerManager;

#[async_trait]
impl Component for ControllerManager {
    fn name(&self) -> &'static str {
        "kube-controller-manager"
    }

    fn needs(&self) -> &'static [&'static str] {
        &["kube-apiserver"]
    }

    async fn prepare(&self) -> Result<Daemon> {
        let (account_key, _) = pki::signing_key("service-accounts")?;
        let daemon = control_loop(self.name(), CONTROLLER_MANAGER_PORT)?
            .flag("use-service-account-credentials", "true")
            // The default is a directory outside the state directory.
            .flag("flex-volume-plugin-dir", layout::state("volume-plugins"))
            .flag("service-account-private-key-file", account_key)
            .flag("root-ca-file", pki::authority_certificate());
        Ok(daemon)
    }

    async fn ready(&self) -> Result<()> {
        healthy(CONTROLLER_MANAGER_PORT).await
    }
}

/// kube-scheduler as a component.
pub struct Scheduler;

#[async_trait]
impl Component for Scheduler {
    fn name(&self) -> &'static str {
        "kube-scheduler"
    }

    fn needs(&self) -> &'static [&'static str] {
        &["kube-apiserver"]
    }

    async fn prepare(&self) -> Result<Daemon> {
        control_loop(self.name(), SCHEDULER_PORT)
    }

    async fn ready(&self) -> Result<()> {
        healthy(SCHEDULER_PORT).await
    }
}

fn control_loop(name: &'static str, port: u16) -> Result<Daemon> {
    let kubeconfig = write_kubeconfig(name, &format!("system:{name}"), None)?;
    let subject = Subject {
        common_name: name,
        organization: None,
        names: &["127.0.0.1"],
    };
    let served = pki::issue(&format!("{name}-server"), &subject)?;
    let daemon = Daemon::new(tool(name))
        .flag("kubeconfig", &kubeconfig)
        .flag("leader-elect", "false")
        .flag("bind-address", "127.0.0.1")
        .flag("secure-port", port.to_string())
        .flag("tls-cert-file", served.certificate)
        .flag("tls-private-key-file", served.key);
    Ok(daemon)
}

async fn healthy(port: u16) -> Result<()> {
    health::get(&format!("https://127.0.0.1:{port}"), "/healthz").await
}
