//! A tenant, and a user of it with an ordinary HTTP client and a token of their own.

use std::process::Output;

use akili_scenarios::platform::{Platform, object_of};
use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use http::{Method, Request, StatusCode};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

/// How many requests are under way at the same time where it doesn't matter.
const AT_ONCE: usize = 16;

/// What a tenant makes.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// As an object says it.
    pub kind: &'static str,
    /// As a URL says it.
    pub plural: &'static str,
    /// As the webhook says it.
    pub word: &'static str,
    /// What the quota calls its limit.
    pub limit: &'static str,
}

/// A data product.
pub const PRODUCT: Kind = Kind {
    kind: "DataProduct",
    plural: "dataproducts",
    word: "Product",
    limit: "maxProducts",
};

/// A connection.
pub const CONNECTION: Kind = Kind {
    kind: "Connection",
    plural: "connections",
    word: "Connection",
    limit: "maxConnections",
};

impl Kind {
    /// One of this name.
    pub fn object(self, name: &str) -> Value {
        object_of(self.kind, name)
    }
}

/// What the API server answered.
#[derive(Debug)]
pub struct Answer {
    pub code: u16,
    pub body: Value,
    /// The header that makes clients ask again.
    pub retry_after: bool,
}

impl Answer {
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// Its code and the reason in it.
    pub fn said(&self) -> (u16, &str) {
        (self.code, self.body["reason"].as_str().unwrap_or_default())
    }

    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

/// A tenant and one of its users.
pub struct Tenant<'a> {
    pub platform: &'a Platform,
    pub slug: &'a str,
    id: String,
    pub namespace: String,
    user: Client,
}

impl<'a> Tenant<'a> {
    /// A new one, which is ACTIVE.
    pub async fn activate(platform: &'a Platform, slug: &'a str) -> Result<Self> {
        platform.activate(slug)?;
        Self::of(platform, slug).await
    }

    /// The one of this name.
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

    /// Another client of the same user.
    pub async fn another_client(&self) -> Result<Self> {
        Ok(Self {
            user: client(self.platform, &self.id).await?,
            id: self.id.clone(),
            namespace: self.namespace.clone(),
            ..*self
        })
    }

    /// Asks for a new one.
    pub async fn create(&self, kind: Kind, name: &str) -> Result<Answer> {
        self.post(kind, &kind.object(name), "").await
    }

    /// Asks what would be if it asked for a new one.
    pub async fn try_create(&self, kind: Kind, name: &str) -> Result<Answer> {
        self.post(kind, &kind.object(name), "?dryRun=All").await
    }

    /// Asks for this object.
    pub async fn post(&self, kind: Kind, object: &Value, query: &str) -> Result<Answer> {
        let path = self.path(kind) + query;
        self.ask(Method::POST, &path, "application/json", object)
            .await
    }

    /// Asks for a change of what is there.
    pub async fn change(&self, kind: Kind, name: &str, patch: &Value) -> Result<Answer> {
        let path = format!("{}/{name}", self.path(kind));
        self.ask(Method::PATCH, &path, "application/merge-patch+json", patch)
            .await
    }

    /// Asks for its deletion.
    pub async fn delete(&self, kind: Kind, name: &str) -> Result<Answer> {
        let path = format!("{}/{name}", self.path(kind));
        self.ask(Method::DELETE, &path, "application/json", &json!({}))
            .await
    }

    /// How many there are, as the API server lists them.
    pub async fn count(&self, kind: Kind) -> Result<usize> {
        let nothing = Value::Null;
        let path = self.path(kind);
        let listed = self.ask(Method::GET, &path, "application/json", &nothing);
        let items = listed.await?.body["items"].take();
        Ok(items.as_array().context("that is no list")?.len())
    }

    /// Makes so many, called one-0, one-1, …
    pub async fn make(&self, kind: Kind, count: usize) -> Result<()> {
        stream::iter(0..count)
            .map(|number| async move {
                let answer = self.create(kind, &format!("one-{number}")).await?;
                ensure!(answer.is_ok(), "{answer:?}");
                Ok(())
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    /// Runs `kubectl` as the user, whether or not it succeeds.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<Output> {
        self.platform
            .as_user_of(&self.id, &self.namespace, arguments)
    }

    /// Runs `akili` as the user, whether or not it succeeds.
    pub fn akili(&self, arguments: &[&str]) -> Result<Output> {
        self.platform
            .akili_as_user_of(&self.id, &self.namespace, arguments)
    }

    /// Sets limits of the tenant's quota, as an admin.
    pub fn limit(&self, limits: &Value) -> Result<()> {
        self.platform.patch_spec("tenantquota", self.slug, limits)
    }

    /// What the namespace's own quota has counted.
    pub fn counted(&self, kind: Kind) -> Result<String> {
        self.of_own_quota("used", kind)
    }

    /// Until the namespace's own quota lets in so many.
    pub async fn until_limited(&self, kind: Kind, limit: usize) -> Result<()> {
        let limit = limit.to_string();
        self.platform
            .eventually("the namespace's own quota has the limit", || {
                Ok(self.of_own_quota("hard", kind)? == limit)
            })
            .await
    }

    /// A field of its status about this kind.
    fn of_own_quota(&self, field: &str, kind: Kind) -> Result<String> {
        let path = format!("{{.status.{field}.count/{}\\.akili\\.io}}", kind.plural);
        let path = format!("jsonpath={path}");
        let get = ["get", "resourcequota", "akili", "-n", &self.namespace];
        self.platform.kubectl(&[&get[..], &["-o", &path]].concat())
    }

    /// Until a request would be answered so; the webhook hears of what is new or gone a
    /// little later.
    pub async fn until(&self, kind: Kind, code: u16) -> Result<()> {
        for _ in 0..100 {
            if self.try_create(kind, "would-be").await?.code == code {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        anyhow::bail!(
            "it isn't {code} but {:?}",
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
