//! Kubernetes, with kubectl; a user of the tenant is impersonated by its group.

use akili_scenarios::platform::{Platform, text_at};
use anyhow::Result;
use async_trait::async_trait;

use super::operation::{Held, Operation, Plane, State};
use crate::access_matrix::Answer;

/// A tenant's user, and the namespaces of both tenants.
pub struct Kubernetes<'a> {
    platform: &'a Platform,
    id: String,
    own: String,
    other: String,
}

impl<'a> Kubernetes<'a> {
    /// Creates a connection of each tenant.
    pub fn open(platform: &'a Platform, own: &str, other: &str) -> Result<Self> {
        let namespace = |slug| platform.status(slug, "namespace");
        let plane = Self {
            platform,
            id: platform.status(own, "id")?,
            own: namespace(own)?,
            other: namespace(other)?,
        };
        for namespace in [&plane.own, &plane.other] {
            let file = platform.file("connection.json", &connection("sales"))?;
            platform.kubectl(&["apply", "-n", namespace, "-f", &file])?;
        }
        Ok(plane)
    }

    fn try_as_user(&self, namespace: &str, arguments: &[&str]) -> Result<Answer> {
        let answer = self.platform.as_user_of(&self.id, namespace, arguments)?;
        Ok(Answer::of_program(&answer))
    }

    fn create(&self, namespace: &str, name: &str) -> Result<Answer> {
        let file = self.platform.file("connection.json", &connection(name))?;
        self.try_as_user(namespace, &["create", "-f", &file])
    }
}

fn connection(name: &str) -> String {
    format!(
        r#"{{"apiVersion": "akili.io/v1alpha1", "kind": "Connection", "metadata": {{"name": "{name}"}},
            "spec": {{"connectorType": "postgres", "config": {{"host": "db.example.com"}}}}}}"#
    )
}

#[async_trait]
impl Plane for Kubernetes<'_> {
    fn name(&self) -> &'static str {
        "Kubernetes"
    }

    async fn attempt(&self, operation: Operation) -> Result<Answer> {
        let (own, other) = (&self.own, &self.other);
        match operation {
            Operation::OwnRead => self.try_as_user(own, &["get", "connection", "sales"]),
            Operation::OwnWrite => self.create(own, "new"),
            Operation::OwnDelete => self.try_as_user(own, &["delete", "connection", "new"]),
            Operation::OthersRead => self.try_as_user(other, &["get", "connection", "sales"]),
            Operation::OthersWrite => self.create(other, "forged"),
            Operation::OthersList => self.try_as_user(other, &["get", "connections"]),
            Operation::CreateOutside => self.create("default", "outside"),
        }
    }

    async fn held(&self) -> Result<Held> {
        let connections = |namespace: &str| -> Result<String> {
            let there = self.platform.list("Connection", namespace, "")?;
            let names = there.iter().map(|it| text_at(it, ".metadata.name"));
            Ok(names.collect::<Vec<_>>().join(" "))
        };
        Ok(Held {
            own: connections(&self.own)?,
            other: connections(&self.other)?,
        })
    }

    fn rejections(&self, operation: Operation, state: State) -> &'static [&'static str] {
        match (state, operation) {
            // The RBAC right to create remains, so that the webhook can report the
            // reason.
            (State::Suspended, Operation::OwnWrite) => &["TenantSuspended"],
            _ => &[r#"is forbidden: User "somebody" cannot"#],
        }
    }
}
