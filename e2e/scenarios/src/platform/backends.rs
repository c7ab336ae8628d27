//! Backends from their admins' view: network faults and the operator's logins.

use anyhow::{Context, Result};
use postgres_protocol::password::scram_sha_256;

use super::{OPERATOR_PASSWORD, Platform};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// PostgreSQL, which also holds the registry.
    PostgreSql,
    /// Ceph's object gateway.
    ObjectStore,
    Kafka,
    /// StarRocks or its stand-in.
    StarRocks,
}

impl Backend {
    pub const ALL: [Self; 4] = [
        Self::PostgreSql,
        Self::ObjectStore,
        Self::Kafka,
        Self::StarRocks,
    ];

    /// Returns the name of the testbed's component.
    pub fn component(self) -> &'static str {
        match self {
            Self::PostgreSql => "postgresql",
            Self::ObjectStore => "ceph-rgw",
            Self::Kafka => "kafka",
            Self::StarRocks => "starrocks-stand-in",
        }
    }

    /// Returns the backend's label in the operator's metrics.
    pub fn metric(self) -> &'static str {
        match self {
            Self::PostgreSql => "postgres",
            Self::ObjectStore => "object-store",
            Self::Kafka => "kafka",
            Self::StarRocks => "starrocks",
        }
    }

    /// Returns the Tenant's conditions for this backend.
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
    /// Drops all packets to a backend's port: requests get no answer.
    pub async fn drop_packets_to(&self, backend: Backend) -> Result<()> {
        self.testbed.drop_packets_to(self.port(backend)?).await
    }

    /// Changes the password of the operator's login and ends its sessions.
    pub async fn lock_out_operator(&self, backend: Backend) -> Result<()> {
        self.set_operator_password(backend, "changed-by-somebody")
            .await?;
        self.testbed.stop(backend.component()).await?;
        self.testbed.start(backend.component()).await
    }

    /// Restores the password that the operator is configured with.
    pub async fn restore_operator_login(&self, backend: Backend) -> Result<()> {
        let password = match backend {
            Backend::PostgreSql => OPERATOR_PASSWORD,
            Backend::ObjectStore => &self.testbed.object_store().secret_key,
            Backend::Kafka => &self.testbed.kafka().password,
            Backend::StarRocks => &self.testbed.starrocks().password,
        };
        self.set_operator_password(backend, password).await
    }

    async fn set_operator_password(&self, backend: Backend, password: &str) -> Result<()> {
        match backend {
            Backend::PostgreSql => {
                // As psql's \password does; a password in clear would appear in the
                // server's log.
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
