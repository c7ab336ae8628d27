//! A Kubernetes API server with its etcd, as processes of the current user.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use kube::config::AuthInfo;
use kube::{Client, Config};
use serde_json::json;
use tempfile::TempDir;

/// Time for the API server to become ready; a quiet machine needs two seconds.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Folder in which `make up` puts the programs.
const TESTBED: &str = "/var/lib/akili-testbed/bin";

const TOKEN: &str = "admin";

/// A running control plane. Its processes end when it is dropped.
pub struct ControlPlane {
    url: String,
    processes: Vec<Child>,
    _folder: TempDir,
}

/// Returns the folder with the programs etcd and kube-apiserver: `KUBEBUILDER_ASSETS`, or else
/// the testbed's. None if the programs are not there.
pub fn programs() -> Option<PathBuf> {
    let named = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| TESTBED.into());
    let programs = ["etcd", "kube-apiserver"].map(|name| folder.join(name));
    programs
        .iter()
        .all(|program| File::open(program).is_ok())
        .then_some(folder)
}

impl ControlPlane {
    /// Starts the processes and waits until the API server is ready.
    pub async fn start(programs: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let etcd = format!("http://127.0.0.1:{}", free_port()?);
        let port = free_port()?.to_string();
        let key = rcgen::KeyPair::generate()?;
        let path = folder.path().to_owned();
        let file = |name: &str| path.join(name).to_string_lossy().into_owned();
        fs::write(file("key.pem"), key.serialize_pem())?;
        fs::write(file("public.pem"), key.public_key_pem())?;
        fs::write(
            file("tokens.csv"),
            format!("{TOKEN},admin,1,system:masters\n"),
        )?;
        let start = |program: &str, arguments: &[&str]| -> Result<Child> {
            let log = File::create(file(&format!("{program}.log")))?;
            Command::new(programs.join(program))
                .args(arguments)
                .stdin(Stdio::null())
                .stdout(log.try_clone()?)
                .stderr(log)
                .spawn()
                .with_context(|| format!("starting {program}"))
        };
        let mut plane = Self {
            url: format!("https://127.0.0.1:{port}"),
            processes: vec![],
            _folder: folder,
        };
        plane.processes.push(start(
            "etcd",
            &[
                "--data-dir",
                &file("etcd"),
                "--listen-client-urls",
                &etcd,
                "--advertise-client-urls",
                &etcd,
                "--listen-peer-urls",
                "http://127.0.0.1:0",
                "--unsafe-no-fsync",
            ],
        )?);
        plane.processes.push(start(
            "kube-apiserver",
            &[
                "--etcd-servers",
                &etcd,
                "--bind-address=127.0.0.1",
                "--secure-port",
                &port,
                "--cert-dir",
                &file("certificates"),
                "--token-auth-file",
                &file("tokens.csv"),
                "--service-account-issuer=https://kubernetes.default.svc",
                "--service-account-signing-key-file",
                &file("key.pem"),
                "--service-account-key-file",
                &file("public.pem"),
                "--service-cluster-ip-range=10.0.0.0/24",
                "--authorization-mode=RBAC",
                "--disable-admission-plugins=ServiceAccount",
            ],
        )?);
        plane.wait(&file("kube-apiserver.log")).await?;
        Ok(plane)
    }

    /// Creates a client with the rights of an admin. Each async runtime needs its own.
    pub fn client(&self) -> Result<Client> {
        let mut config = Config::new(self.url.parse()?);
        // The API server made its certificate itself.
        config.accept_invalid_certs = true;
        config.auth_info = serde_json::from_value::<AuthInfo>(json!({"token": TOKEN}))?;
        Ok(Client::try_from(config)?)
    }

    async fn wait(&mut self, log: &str) -> Result<()> {
        let client = self.client()?;
        let began = Instant::now();
        loop {
            let ready = http::Request::get("/readyz").body(vec![])?;
            if client.request_text(ready).await.is_ok() {
                return Ok(());
            }
            for process in &mut self.processes {
                if let Some(status) = process.try_wait()? {
                    bail!("the control plane ended: {status}\n{}", tail(log));
                }
            }
            if began.elapsed() > TIMEOUT {
                bail!(
                    "the API server isn't ready after {TIMEOUT:?}\n{}",
                    tail(log)
                );
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        for process in self.processes.iter_mut().rev() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn tail(log: &str) -> String {
    let log = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
