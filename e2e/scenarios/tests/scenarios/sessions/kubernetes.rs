//! A tenant's user in Kubernetes, with a token.

use akili_crds::{Connection, ConnectionSpec};
use akili_scenarios::platform::Platform;
use anyhow::Result;
use async_trait::async_trait;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Map, json};

use super::session::{Closing, Plane};

/// The user; the tenant has a connection.
pub struct User {
    connections: Api<Connection>,
    tries: u64,
}

impl User {
    /// Creates the user and the connection.
    pub async fn open(platform: &Platform, slug: &str) -> Result<Self> {
        let namespace = platform.status(slug, "namespace")?;
        let claims = json!({"sub": "somebody", "tenant_id": platform.status(slug, "id")?});
        let client = platform.testbed.user_client(claims).await?;
        let connections = Api::namespaced(client, &namespace);
        let sales = ConnectionSpec {
            connector_type: "postgres".into(),
            config: Map::from_iter([("host".into(), "db.example.com".into())]),
            credentials_secret_ref: None,
        };
        let sales = Connection::new("sales", sales);
        connections.create(&PostParams::default(), &sales).await?;
        Ok(Self {
            connections,
            tries: 0,
        })
    }
}

#[async_trait]
impl Plane for User {
    fn name(&self) -> &'static str {
        "Kubernetes"
    }

    async fn is_closed(&mut self, closing: Closing) -> Result<bool> {
        self.tries += 1;
        let change = json!({"metadata": {"annotations": {"tries": self.tries.to_string()}}});
        let (answer, why) = match closing {
            Closing::Suspended => {
                let (settings, change) = (PatchParams::default(), Patch::Merge(change));
                let patch = self.connections.patch("sales", &settings, &change);
                (patch.await, "is suspended")
            }
            Closing::Archived => (self.connections.get("sales").await, "cannot get resource"),
        };
        Ok(match answer {
            Err(kube::Error::Api(said)) => said.code == 403 && said.message.contains(why),
            _ => false,
        })
    }
}
