//! The backends as their own admins see them, who can take them away.

use anyhow::{Context, Result};
use postgres_protocol::password::scram_sha_256;

use super::{OPERATOR_PASSWORD, Platform};

/// A backend of the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// PostgreSQL, where the registry is too.
    PostgreSql,
    /// Ceph's object gateway.
    ObjectStore,
    /// Kafka.
    Kafka,
    /// StarRocks, or its stand-in.
    StarRocks,
}

impl Backend {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::PostgreSql,
        Self::ObjectStore,
        Self::Kafka,
        Self::StarRocks,
    ];

    /// As the testbed calls it.
    pub fn component(self) -> &'static str {
        match self {
            Self::PostgreSql => "postgresql",
            Self::ObjectStore => "ceph-rgw",
            Self::Kafka => "kafka",
            Self::StarRocks => "starrocks-stand-in",
        }
    }

    /// As the operator's metrics call it.
    pub fn metric(self) -> &'static str {
        match self {
            Self::PostgreSql => "postgres",
            Self::ObjectStore => "object-store",
            Self::Kafka => "kafka",
            Self::StarRocks => "starrocks",
        }
    }

    /// The conditions of a Tenant that speak of it.
    pub fn conditions(self) -> &'static [&'static str] {
        match self {
            Self::PostgreSql => &["PostgresReady"],
            Self::ObjectStore => &["ObjectStoreReady"],
            Self::Kafka => &["TopicsReady"],
            Self::StarRocks => &["CatalogReady", "ResourceGroupReady"],
        }
    }
}

impl Platform {
    /// Keeps everybody from a backend's port: nothing is answered any more.
    pub async fn drop_packets_to(&self, backend: Backend) -> Result<()> {
        self.testbed.drop_packets_to(self.port(backend)?).await
    }

    /// Changes the password of the operator's own login, and ends its sessions.
    pub async fn lock_operator_out(&self, backend: Backend) -> Result<()> {
        self.set_operators_password(backend, "changed-by-somebody")
            .await?;
        self.testbed.stop(backend.component()).await?;
        self.testbed.start(backend.component()).await
    }

    /// Gives the operator's login the password that the operator knows.
    pub async fn let_operator_in(&self, backend: Backend) -> Result<()> {
        let password = match backend {
            Backend::PostgreSql => OPERATOR_PASSWORD,
            Backend::ObjectStore => &self.testbed.object_store().secret_key,
            Backend::Kafka => &self.testbed.kafka().password,
            Backend::StarRocks => &self.testbed.starrocks().password,
        };
        self.set_operators_password(backend, password).await
    }

    async fn set_operators_password(&self, backend: Backend, password: &str) -> Result<()> {
        match backend {
            Backend::PostgreSql => {
                // As psql's \password does: in clear it would be in the server's log.
                let verifier = scram_sha_256(password.as_bytes());
                let alter = format!("ALTER ROLE akili_operator PASSWORD '{verifier}'");
                self.superuser(&alter).map(drop)
            }
            Backend::ObjectStore => {
                let key = ["--access-key", &self.testbed.object_store().access_key];
                let secret = ["--secret-key", password];
                let modify = ["user", "modify", "--uid", "akili-operator"];
                let modify = [&modify[..], &key, &secret].concat();
                self.testbed.radosgw_admin(&modify).await.map(drop)
            }
            Backend::Kafka => {
                let user = self.testbed.kafka().user;
                self.kafka_admin()?.set_password(user, password).await
            }
            Backend::StarRocks => {
                let user = &self.testbed.starrocks().user;
                let alter = format!("ALTER USER {user} IDENTIFIED BY '{password}'");
                let mut root = self.starrocks_of_root().await?;
                Ok(root.query(&alter).await.map(drop)?)
            }
        }
    }

    fn port(&self, backend: Backend) -> Result<u16> {
        let testbed = &self.testbed;
        let address = match backend {
            Backend::PostgreSql => return Ok(testbed.postgres().port),
            Backend::StarRocks => return Ok(testbed.starrocks().port),
            Backend::ObjectStore => &testbed.object_store().endpoint,
            Backend::Kafka => &testbed.kafka().bootstrap_servers,
        };
        let port = address.rsplit(':').next().unwrap_or_default();
        port.parse()
            .with_context(|| format!("{address} has no port"))
    }
}
