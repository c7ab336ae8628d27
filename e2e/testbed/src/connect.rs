//! Reaching the testbed: what tests get in their hands.

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

/// Long enough for any test, short enough not to be kept.
const TOKEN_SECONDS: i64 = 24 * 60 * 60;

const ETCD: &str = "etcd";
const API_SERVER: &str = "kube-apiserver";

/// The running testbed.
#[derive(Clone)]
pub struct Testbed {
    admin: Client,
    postgres: PostgresHandle,
    object_store: ObjectStoreHandle,
    kafka: KafkaHandle,
    starrocks: StarRocksHandle,
}

impl Testbed {
    /// Connects to the testbed that runs on this machine.
    pub async fn connect() -> Result<Self> {
        // Whichever test comes first installs it for its process.
        let _ = rustls::crypto::ring::default_provider().install_default();
        if Process::of("kubelet").is_none() {
            bail!("the testbed isn't up; run `make up`");
        }
        // A test that restored the cluster may not have come to its end.
        for component in [ETCD, API_SERVER] {
            component::bring_up(named(component)?.as_ref()).await?;
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

    /// A client with every right.
    pub fn admin(&self) -> Client {
        self.admin.clone()
    }

    /// The kubeconfig of [`Testbed::admin`].
    pub fn kubeconfig(&self) -> PathBuf {
        layout::admin_kubeconfig()
    }

    /// The `kubectl` of the same version as the cluster.
    pub fn kubectl(&self) -> PathBuf {
        tools::tool("kubectl")
    }

    /// The address of the node: the API server and the backends listen on it, and
    /// pods can reach it.
    pub fn node_address(&self) -> &'static str {
        NODE_ADDRESS
    }

    /// The certificate, as a PEM file, that every server of the testbed is verified with.
    pub fn ca_path(&self) -> &Path {
        &self.postgres.ca_path
    }

    /// Writes a kubeconfig to `path` with the rights of a ServiceAccount, for a
    /// program that runs on the host instead of in a pod. It is good for a day.
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

    /// A token of the testbed's issuer with these claims, good for an hour; give
    /// `sub`, and what else the test needs: `email` and `email_verified`,
    /// `tenant_id`, `groups`, or an `exp` in the past.
    pub fn user_token(&self, claims: Value) -> Result<String> {
        issuer::mint(claims)
    }

    /// A client with such a token. It doesn't try again by itself: a 429 is an answer.
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

    /// Writes a kubeconfig to `path` with such a token.
    pub fn user_kubeconfig(&self, claims: Value, path: &Path) -> Result<()> {
        kubernetes::write_token_kubeconfig(path, &self.user_token(claims)?)
    }

    /// The name of an image with a shell and the usual commands, which the node has.
    pub fn busybox_image(&self) -> &'static str {
        kubernetes::BUSYBOX_IMAGE
    }

    /// Makes an image known to the node, unless it has one of that name; pods use it
    /// by its name.
    pub async fn import_image(&self, image: &Image) -> Result<()> {
        kubernetes::import_image(image).await
    }

    /// SIGKILL of everything in a container of the node.
    pub async fn kill_container(&self, id: &str) -> Result<()> {
        kubernetes::signal_container(id, Signal::SIGKILL).await
    }

    /// Stops everything in a container of the node where it is, without its knowing.
    pub async fn freeze_container(&self, id: &str) -> Result<()> {
        kubernetes::signal_container(id, Signal::SIGSTOP).await
    }

    /// Lets it go on.
    pub async fn thaw_container(&self, id: &str) -> Result<()> {
        kubernetes::signal_container(id, Signal::SIGCONT).await
    }

    /// Saves all that Kubernetes holds, as an admin does for a backup; where it is.
    pub async fn save_cluster(&self) -> Result<PathBuf> {
        let snapshot = layout::state("etcd.snapshot");
        kubernetes::save_etcd(&snapshot).await?;
        Ok(snapshot)
    }

    /// Lets Kubernetes hold what it held then. Meanwhile nobody can ask it.
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

    /// Where PostgreSQL is.
    pub fn postgres(&self) -> &PostgresHandle {
        &self.postgres
    }

    /// Where the object store is.
    pub fn object_store(&self) -> &ObjectStoreHandle {
        &self.object_store
    }

    /// Where Kafka is.
    pub fn kafka(&self) -> &KafkaHandle {
        &self.kafka
    }

    /// Where StarRocks is, or its stand-in.
    pub fn starrocks(&self) -> &StarRocksHandle {
        &self.starrocks
    }

    /// The password of the stand-in's own admin, `root`.
    pub fn starrocks_root_password(&self) -> Result<String> {
        starrocks::root_password()
    }

    /// Runs `radosgw-admin`, as only Ceph's own admin can; its output.
    pub async fn radosgw_admin(&self, arguments: &[&str]) -> Result<String> {
        ceph::radosgw_admin(arguments).await
    }

    /// Takes every user whose name begins like this out of the object store.
    pub async fn remove_object_store_users(&self, prefix: &str) -> Result<()> {
        ceph::remove_users(prefix).await
    }

    /// Takes everything out of PostgreSQL.
    pub async fn empty_postgres(&self) -> Result<()> {
        postgres::empty().await
    }

    /// Whether this component runs here: a real StarRocks stands elsewhere.
    pub fn has(&self, component: &str) -> bool {
        wanted_components()
            .iter()
            .any(|wanted| wanted.name() == component)
    }

    /// Ends a component as an outage would: sessions are cut off. Returns when it
    /// has ended; its data stays.
    ///
    /// # Errors
    /// It doesn't end, or there is none of that name.
    pub async fn stop(&self, component: &str) -> Result<()> {
        component::take_down(named(component)?.as_ref()).await
    }

    /// Starts a component again, unless it runs, and returns when it serves.
    ///
    /// # Errors
    /// It doesn't serve, or there is none of that name.
    pub async fn start(&self, component: &str) -> Result<()> {
        component::bring_up(named(component)?.as_ref()).await?;
        Ok(())
    }
}

fn named(name: &str) -> Result<Box<dyn Component>> {
    let named = components().into_iter().find(|one| one.name() == name);
    named.with_context(|| format!("the testbed has no component {name:?}; see `testbed status`"))
}

/// A client with this kubeconfig.
pub(super) async fn client(kubeconfig: &Path) -> Result<Client> {
    Ok(Client::try_from(config(kubeconfig).await?)?)
}

async fn config(kubeconfig: &Path) -> Result<Config> {
    let read = Kubeconfig::read_from(kubeconfig);
    let read =
        read.with_context(|| format!("can't use {}; run `make up`", kubeconfig.display()))?;
    Ok(Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await?)
}
