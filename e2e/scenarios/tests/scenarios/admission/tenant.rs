//! A tenant and a user with an ordinary HTTP client and a token.

use std::process::Output;

use akili_scenarios::platform::{Platform, object_of};
use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use http::{Method, Request, StatusCode};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

/// Concurrent requests where the order doesn't matter.
const CONCURRENCY: usize = 16;

/// A kind of object that tenants create.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Kind in manifests.
    pub kind: &'static str,
    /// Plural in URLs.
    pub plural: &'static str,
    /// Plural in the webhook's messages.
    pub word: &'static str,
    /// Field of the limit in the TenantQuota.
    pub limit: &'static str,
}

pub const PRODUCT: Kind = Kind {
    kind: "DataProduct",
    plural: "dataproducts",
    word: "Product",
    limit: "maxProducts",
};

pub const CONNECTION: Kind = Kind {
    kind: "Connection",
    plural: "connections",
    word: "Connection",
    limit: "maxConnections",
};

impl Kind {
    /// Returns an object of this kind and name.
    pub fn object(self, name: &str) -> Value {
        object_of(self.kind, name)
    }
}

/// An answer of the API server.
#[derive(Debug)]
pub struct Answer {
    pub code: u16,
    pub body: Value,
    /// True if the answer has a header that makes clients retry.
    pub retry_after: bool,
}

impl Answer {
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// Returns the status code and the reason.
    pub fn said(&self) -> (u16, &str) {
        (self.code, self.body["reason"].as_str().unwrap_or_default())
    }

    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

pub struct Tenant<'a> {
    pub platform: &'a Platform,
    pub slug: &'a str,
    id: String,
    pub namespace: String,
    user: Client,
}

impl<'a> Tenant<'a> {
    /// Creates a tenant and waits until it is ACTIVE.
    pub async fn activate(platform: &'a Platform, slug: &'a str) -> Result<Self> {
        platform.activate(slug)?;
        Self::of(platform, slug).await
    }

    /// Returns the existing tenant of this name.
    pub async fn of(platform: &'a Platform, slug: &'a str) -> Result<Self> {
        let id = platform.status(slug, "id")?;
        Ok(Self {
            platform,
            slug,
            namespace: platform.status(slug, "namespace")?,
            user: client(platform, &id).await?,
            id,
        })
    }

    /// Returns another client of the same user.
    pub async fn another_client(&self) -> Result<Self> {
        Ok(Self {
            user: client(self.platform, &self.id).await?,
            id: self.id.clone(),
            namespace: self.namespace.clone(),
            ..*self
        })
    }

    /// Creates an object.
    pub async fn create(&self, kind: Kind, name: &str) -> Result<Answer> {
        self.post(kind, &kind.object(name), "").await
    }

    /// Creates an object with a server-side dry run.
    pub async fn try_create(&self, kind: Kind, name: &str) -> Result<Answer> {
        self.post(kind, &kind.object(name), "?dryRun=All").await
    }

    /// Posts an object.
    pub async fn post(&self, kind: Kind, object: &Value, query: &str) -> Result<Answer> {
        let path = self.path(kind) + query;
        self.ask(Method::POST, &path, "application/json", object)
            .await
    }

    /// Patches an object.
    pub async fn change(&self, kind: Kind, name: &str, patch: &Value) -> Result<Answer> {
        let path = format!("{}/{name}", self.path(kind));
        self.ask(Method::PATCH, &path, "application/merge-patch+json", patch)
            .await
    }

    /// Deletes an object.
    pub async fn delete(&self, kind: Kind, name: &str) -> Result<Answer> {
        let path = format!("{}/{name}", self.path(kind));
        self.ask(Method::DELETE, &path, "application/json", &json!({}))
            .await
    }

    /// Returns the number of listed objects.
    pub async fn count(&self, kind: Kind) -> Result<usize> {
        let nothing = Value::Null;
        let path = self.path(kind);
        let listed = self.ask(Method::GET, &path, "application/json", &nothing);
        let items = listed.await?.body["items"].take();
        Ok(items.as_array().context("that is no list")?.len())
    }

    /// Creates `count` objects named one-0, one-1, …
    pub async fn make(&self, kind: Kind, count: usize) -> Result<()> {
        stream::iter(0..count)
            .map(|number| async move {
                let answer = self.create(kind, &format!("one-{number}")).await?;
                ensure!(answer.is_ok(), "{answer:?}");
                Ok(())
            })
            .buffer_unordered(CONCURRENCY)
            .try_collect()
            .await
    }

    /// Runs `kubectl` as the user; a failure is part of the output.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<Output> {
        self.platform
            .as_user_of(&self.id, &self.namespace, arguments)
    }

    /// Runs `akili` as the user; a failure is part of the output.
    pub fn akili(&self, arguments: &[&str]) -> Result<Output> {
        self.platform
            .akili_as_user_of(&self.id, &self.namespace, arguments)
    }

    /// Sets limits of the tenant's quota, as an admin.
    pub fn limit(&self, limits: &Value) -> Result<()> {
        self.platform.patch_spec("tenantquota", self.slug, limits)
    }

    /// Returns the usage in the namespace's ResourceQuota.
    pub fn counted(&self, kind: Kind) -> Result<String> {
        self.resource_quota_field("used", kind)
    }

    /// Waits until the namespace's ResourceQuota has this limit.
    pub async fn until_limited(&self, kind: Kind, limit: usize) -> Result<()> {
        let limit = limit.to_string();
        self.platform
            .eventually("the namespace's ResourceQuota has the limit", || {
                Ok(self.resource_quota_field("hard", kind)? == limit)
            })
            .await
    }

    /// Returns a field of the ResourceQuota's status for this kind.
    fn resource_quota_field(&self, field: &str, kind: Kind) -> Result<String> {
        let path = format!(".status.{field}.count/{}\\.akili\\.io", kind.plural);
        self.platform
            .field("ResourceQuota", &self.namespace, "akili", &path)
    }

    /// Waits until a dry-run creation gets this status code; the webhook notices created
    /// and deleted objects a little later.
    pub async fn until(&self, kind: Kind, code: u16) -> Result<()> {
        for _ in 0..100 {
            if self.try_create(kind, "would-be").await?.code == code {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        anyhow::bail!(
            "the answer isn't {code} but {:?}",
            self.try_create(kind, "would-be").await?
        )
    }

    fn path(&self, kind: Kind) -> String {
        let namespace = &self.namespace;
        format!(
            "/apis/akili.io/v1alpha1/namespaces/{namespace}/{}",
            kind.plural
        )
    }

    async fn ask(&self, method: Method, path: &str, type_: &str, body: &Value) -> Result<Answer> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", type_)
            .body(Body::from(body.to_string().into_bytes()))?;
        let answer = self.user.send(request).await?;
        let (head, body) = answer.into_parts();
        let body = body.collect_bytes().await?;
        Ok(Answer {
            code: StatusCode::as_u16(&head.status),
            retry_after: head.headers.contains_key("retry-after"),
            body: serde_json::from_slice(&body).unwrap_or_default(),
        })
    }
}

async fn client(platform: &Platform, id: &str) -> Result<Client> {
    let claims = json!({
        "sub": "dev", "email": "dev@example.com", "email_verified": true, "tenant_id": id,
    });
    platform.testbed.user_client(claims).await
}
