//! The running testbed as tests use it: clients, kubeconfigs, tokens and faults.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{
    Api, Client, Config,
    api::PostParams,
    config::{KubeConfigOptions, Kubeconfig},
};
use nix::sys::signal::Signal;
use serde_json::Value;

use super::{
    ceph::{self, ObjectStoreHandle},
    component::{self, Component},
    components,
    image::Image,
    issuer,
    kafka::KafkaHandle,
    kubernetes,
    layout::{self, NODE_ADDRESS},
    postgres::{self, PostgresHandle},
    process::Process,
    starrocks::{self, StarRocksHandle},
    tools, wanted_components,
};

/// Longer than any test run, and short enough that nobody keeps the token.
const TOKEN_SECONDS: i64 = 24 * 60 * 60;

const ETCD: &str = "etcd";
const API_SERVER: &str = "kube-apiserver";

/// The running testbed. Clones share their clients.
#[derive(Clone)]
pub struct Testbed {
    admin: Client,
    postgres: PostgresHandle,
    object_store: ObjectStoreHandle,
    kafka: KafkaHandle,
    starrocks: StarRocksHandle,
}

impl Testbed {
    /// Connects to the testbed of this machine.
    pub async fn connect() -> Result<Self> {
        // The first test of a process installs the provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        if Process::of("kubelet").is_none() {
            bail!("the testbed isn't up; run `make up`");
        }
        // A test that restored the cluster may have been interrupted in between.
        for component in [ETCD, API_SERVER] {
            component::start(named(component)?.as_ref()).await?;
        }
        let admin = client(&layout::admin_kubeconfig()).await?;
        admin
            .apiserver_version()
            .await
            .context("the testbed's API server doesn't answer; run `make up`")?;
        Ok(Self {
            admin,
            postgres: PostgresHandle::load()?,
            object_store: ObjectStoreHandle::load()?,
            kafka: KafkaHandle::load()?,
            starrocks: StarRocksHandle::load()?,
        })
    }

    /// Returns a client with admin rights.
    pub fn admin(&self) -> Client {
        self.admin.clone()
    }

    /// Returns another client with every right, whose connections live in the caller's
    /// runtime.
    pub async fn another_admin(&self) -> Result<Client> {
        client(&layout::admin_kubeconfig()).await
    }

    /// Returns the path of the kubeconfig of [`Testbed::admin`].
    pub fn kubeconfig(&self) -> PathBuf {
        layout::admin_kubeconfig()
    }

    /// Returns the path of a `kubectl` of the cluster's version.
    pub fn kubectl(&self) -> PathBuf {
        tools::tool("kubectl")
    }

    /// Returns the node's address, on which the API server and the backends listen; pods
    /// can reach it.
    pub fn node_address(&self) -> &'static str {
        NODE_ADDRESS
    }

    /// Returns the PEM file of the CA that signed the certificates of all servers of the
    /// testbed.
    pub fn ca_path(&self) -> &Path {
        &self.postgres.ca_path
    }

    /// Writes a kubeconfig to `path` with the rights of a ServiceAccount, for a program
    /// that runs on the host instead of in a pod. The token is valid for a day.
    pub async fn service_account_kubeconfig(
        &self,
        namespace: &str,
        name: &str,
        path: &Path,
    ) -> Result<()> {
        let accounts = Api::<ServiceAccount>::namespaced(self.admin(), namespace);
        let spec = TokenRequestSpec {
            expiration_seconds: Some(TOKEN_SECONDS),
            ..TokenRequestSpec::default()
        };
        let request = TokenRequest {
            spec,
            ..TokenRequest::default()
        };
        let answer = accounts
            .create_token_request(name, &PostParams::default(), &request)
            .await;
        let answer =
            answer.with_context(|| format!("no token for ServiceAccount {namespace}/{name}"))?;
        let status = answer.status.context("the token request has no status")?;
        kubernetes::write_token_kubeconfig(path, &status.token)
    }

    /// Returns a token of the testbed's issuer with these claims, valid for an hour. Pass
    /// `sub` and what else the test needs: `email` and `email_verified`, `tenant_id`,
    /// `groups`, or an `exp` in the past.
    pub fn user_token(&self, claims: Value) -> Result<String> {
        issuer::mint(claims)
    }

    /// Returns a client with such a token. The client doesn't retry: tests want to see a
    /// 429.
    pub async fn user_client(&self, claims: Value) -> Result<Client> {
        let token = self.user_token(claims)?;
        let mut config = config(&layout::admin_kubeconfig()).await?;
        config.auth_info = kube::config::AuthInfo {
            token: Some(token.into()),
            ..Default::default()
        };
        config.default_retry = false;
        Ok(Client::try_from(config)?)
    }

    /// Writes a kubeconfig with such a token to `path`.
    pub fn user_kubeconfig(&self, claims: Value, path: &Path) -> Result<()> {
        kubernetes::write_token_kubeconfig(path, &self.user_token(claims)?)
    }

    /// Returns the name of an image with a shell and the usual commands, present on the
    /// node.
    pub fn busybox_image(&self) -> &'static str {
        kubernetes::BUSYBOX_IMAGE
    }

    /// Imports an image into the node's containerd, unless an image of that name is
    /// present.
    pub async fn import_image(&self, image: &Image) -> Result<()> {
        kubernetes::import_image(image).await
    }

    /// Returns the addresses of the pods that get the requests to a Service; see
    /// [`kubernetes::service_targets`].
    pub async fn service_targets(&self, service: &str) -> Result<BTreeSet<String>> {
        kubernetes::service_targets(service).await
    }

    /// Sends SIGKILL to all processes of a container.
    pub async fn kill_container(&self, id: &str) -> Result<()> {
        kubernetes::signal_container(id, Signal::SIGKILL).await
    }

    /// Freezes all processes of a container with SIGSTOP, which they can't notice.
    pub async fn freeze_container(&self, id: &str) -> Result<()> {
        kubernetes::signal_container(id, Signal::SIGSTOP).await
    }

    /// Resumes a frozen container.
    pub async fn thaw_container(&self, id: &str) -> Result<()> {
        kubernetes::signal_container(id, Signal::SIGCONT).await
    }

    /// Saves a snapshot of etcd, as an admin does for a backup, and returns its path.
    pub async fn save_cluster(&self) -> Result<PathBuf> {
        let snapshot = layout::state("etcd.snapshot");
        kubernetes::save_etcd(&snapshot).await?;
        Ok(snapshot)
    }

    /// Restores a snapshot of etcd. The API server is stopped meanwhile.
    pub async fn restore_cluster(&self, snapshot: &Path) -> Result<()> {
        for component in [API_SERVER, ETCD] {
            self.stop(component).await?;
        }
        let restored = kubernetes::restore_etcd(snapshot).await;
        for component in [ETCD, API_SERVER] {
            self.start(component).await?;
        }
        restored
    }

    pub fn postgres(&self) -> &PostgresHandle {
        &self.postgres
    }

    pub fn object_store(&self) -> &ObjectStoreHandle {
        &self.object_store
    }

    pub fn kafka(&self) -> &KafkaHandle {
        &self.kafka
    }

    /// Returns the handle of StarRocks or of its stand-in.
    pub fn starrocks(&self) -> &StarRocksHandle {
        &self.starrocks
    }

    /// Returns the password of the stand-in's admin, `root`.
    pub fn starrocks_root_password(&self) -> Result<String> {
        starrocks::root_password()
    }

    /// Runs `radosgw-admin` as Ceph's admin and returns its output.
    pub async fn radosgw_admin(&self, arguments: &[&str]) -> Result<String> {
        ceph::radosgw_admin(arguments).await
    }

    /// Deletes all object-store users whose name has this prefix.
    pub async fn remove_object_store_users(&self, prefix: &str) -> Result<()> {
        ceph::remove_users(prefix).await
    }

    /// Drops everything in PostgreSQL and recreates the platform's database.
    pub async fn empty_postgres(&self) -> Result<()> {
        postgres::empty().await
    }

    /// Returns whether this component is part of the testbed: the stand-in isn't when a
    /// real StarRocks is configured.
    pub fn has(&self, component: &str) -> bool {
        wanted_components()
            .iter()
            .any(|wanted| wanted.name() == component)
    }

    /// Stops a component as an outage would: sessions are cut off. Returns when the
    /// process has ended; the data stays.
    ///
    /// # Errors
    /// If the process doesn't end, or no component has that name.
    pub async fn stop(&self, component: &str) -> Result<()> {
        component::stop(named(component)?.as_ref()).await
    }

    /// Starts a component unless it runs, and returns when it is ready.
    ///
    /// # Errors
    /// If the component isn't ready in time, or no component has that name.
    pub async fn start(&self, component: &str) -> Result<()> {
        component::start(named(component)?.as_ref()).await?;
        Ok(())
    }
}

fn named(name: &str) -> Result<Box<dyn Component>> {
    let named = components().into_iter().find(|one| one.name() == name);
    named.with_context(|| format!("the testbed has no component {name:?}; see `testbed status`"))
}

/// Returns a client for this kubeconfig.
pub(super) async fn client(kubeconfig: &Path) -> Result<Client> {
    Ok(Client::try_from(config(kubeconfig).await?)?)
}

async fn config(kubeconfig: &Path) -> Result<Config> {
    let read = Kubeconfig::read_from(kubeconfig);
    let read =
        read.with_context(|| format!("can't use {}; run `make up`", kubeconfig.display()))?;
    Ok(Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await?)
}
