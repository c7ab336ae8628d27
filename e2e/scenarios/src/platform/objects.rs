//! Clients of the object store.

use std::fs;

use anyhow::{Context, Result};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder, Credentials, Region, RequestChecksumCalculation,
};
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::types::{
    BucketVersioningStatus, Delete, ObjectIdentifier, VersioningConfiguration,
};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use super::{BUCKET, Platform};

/// A tenant's client of the object store, with the credentials of its Secret.
pub struct ObjectTenant {
    pub client: Client,
    /// Bucket that all tenants share.
    pub bucket: String,
    /// The tenant's prefix in the bucket.
    pub prefix: String,
}

impl Platform {
    /// Returns the tenant's client with the key of its Secret.
    pub fn object_store_of(&self, slug: &str) -> Result<ObjectTenant> {
        let entries = self.secret_of(slug, "akili-object-store")?;
        let entry = |name: &str| {
            let entry = entries.get(name).cloned();
            entry.with_context(|| format!("{slug} has no {name}"))
        };
        let keys = keys(&entry("access-key-id")?, &entry("secret-access-key")?);
        let settings = settings(&entry("endpoint")?, &entry("ca.crt")?)?
            .region(Region::new(entry("region")?))
            .credentials_provider(keys);
        Ok(ObjectTenant {
            client: Client::from_conf(settings.build()),
            bucket: entry("bucket")?,
            prefix: entry("prefix")?,
        })
    }

    /// Returns a client with the operator's key.
    pub fn operators_object_store(&self) -> Result<Client> {
        let store = self.testbed.object_store();
        self.object_store_with(&store.access_key, &store.secret_key)
    }

    /// Returns a client with this key.
    pub fn object_store_with(&self, access_key: &str, secret_key: &str) -> Result<Client> {
        let keys = keys(access_key, secret_key);
        let settings = self.object_store_settings()?.credentials_provider(keys);
        Ok(Client::from_conf(settings.build()))
    }

    /// Returns a client without a key.
    pub fn anonymous_object_store(&self) -> Result<Client> {
        let settings = self.object_store_settings()?.allow_no_auth();
        Ok(Client::from_conf(settings.build()))
    }

    fn object_store_settings(&self) -> Result<Builder> {
        let store = self.testbed.object_store();
        let ca = fs::read_to_string(&store.ca_path)?;
        Ok(settings(&store.endpoint, &ca)?.region(Region::from_static("us-east-1")))
    }

    /// Creates the shared bucket with the operator's key, as an admin does.
    pub async fn create_bucket(&self) -> Result<()> {
        self.create_bucket_named(BUCKET).await
    }

    /// Creates a bucket with versioning.
    pub async fn create_versioned_bucket(&self, name: &str) -> Result<()> {
        self.create_bucket_named(name).await?;
        let keep = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled);
        let operator = self.operators_object_store()?;
        let put = operator.put_bucket_versioning().bucket(name);
        put.versioning_configuration(keep.build()).send().await?;
        Ok(())
    }

    async fn create_bucket_named(&self, name: &str) -> Result<()> {
        let operator = self.operators_object_store()?;
        match operator.create_bucket().bucket(name).send().await {
            Err(SdkError::ServiceError(answer))
                if answer.err().is_bucket_already_owned_by_you() =>
            {
                Ok(())
            }
            answer => Ok(answer.map(drop)?),
        }
    }

    /// Deletes all objects of the shared bucket.
    pub(super) async fn empty_bucket(&self) -> Result<()> {
        let operator = self.operators_object_store()?;
        loop {
            let page = operator.list_objects_v2().bucket(BUCKET).send().await?;
            let names = page.contents().iter().filter_map(|object| object.key());
            let names: Result<Vec<_>, _> = names
                .map(|name| ObjectIdentifier::builder().key(name).build())
                .collect();
            let names = Delete::builder().set_objects(Some(names?)).build()?;
            if names.objects().is_empty() {
                return Ok(());
            }
            let delete = operator.delete_objects().bucket(BUCKET).delete(names);
            delete.send().await?;
        }
    }

    /// Puts `count` objects of `bytes` bytes below the tenant's prefix with the tenant's
    /// key.
    pub async fn put_objects(&self, slug: &str, count: usize, bytes: usize) -> Result<()> {
        let objects = &self.object_store_of(slug)?;
        let puts = (0..count).map(|n| async move {
            let put = objects.client.put_object().bucket(&objects.bucket);
            let put = put.key(format!("{}{n}", objects.prefix));
            put.body(vec![0; bytes].into()).send().await
        });
        let puts = stream::iter(puts).buffer_unordered(32);
        Ok(puts.try_for_each(|_| async { Ok(()) }).await?)
    }

    /// Returns the metadata of an object-store user as Ceph's admin sees it.
    pub async fn object_store_user(&self, user: &str) -> Result<Value> {
        let get = ["metadata", "get", &format!("user:{user}")];
        Ok(serde_json::from_str(
            &self.testbed.radosgw_admin(&get).await?,
        )?)
    }
}

/// Sends any request with this client, signed if the client has a key, and returns the
/// HTTP status. For presigned links, the admin API and IAM, whose forms are posted.
pub async fn send(client: &Client, method: &str, uri: &str, body: &str) -> Result<u16> {
    let [method, uri, body] = [method, uri, body].map(str::to_owned);
    let request = client.list_buckets().customize();
    let request = request.mutate_request(move |request| {
        // A wrong address would give an unexpected answer.
        let _ = request.set_method(&method);
        let _ = request.set_uri(uri.clone());
        if !body.is_empty() {
            let form = "application/x-www-form-urlencoded";
            request.headers_mut().insert("content-type", form);
            *request.body_mut() = body.clone().into();
        }
    });
    match request.send().await {
        Ok(_) => Ok(200),
        // The client doesn't know this kind of answer.
        Err(error) => {
            let answer = error.raw_response().map(|answer| answer.status().as_u16());
            answer.with_context(|| format!("no answer: {error:?}"))
        }
    }
}

fn keys(access_key: &str, secret_key: &str) -> Credentials {
    Credentials::new(access_key, secret_key, None, None, "testbed")
}

fn settings(endpoint: &str, ca: &str) -> Result<Builder> {
    let trusted = TrustStore::empty().with_pem_certificate(ca);
    let context = TlsContext::builder().with_trust_store(trusted).build()?;
    let https = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .build_https();
    Ok(aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(https)
        .endpoint_url(endpoint)
        .force_path_style(true)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired))
}
