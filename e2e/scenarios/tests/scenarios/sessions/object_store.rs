//! Unfinished multipart uploads and presigned links.

use std::time::Duration;

use akili_scenarios::platform::{ObjectTenant, Platform, send};
use anyhow::{Context, Result, bail, ensure};
use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

use super::session::{Closing, Plane, Session};

/// Opens one session of each kind; the tenant has an object.
pub async fn open<'a>(platform: &'a Platform, slug: &str) -> Result<Vec<Box<dyn Session + 'a>>> {
    let tenant = platform.object_store_of(slug)?;
    let (bucket, first) = (&tenant.bucket, format!("{}first", tenant.prefix));
    let put = tenant.client.put_object().bucket(bucket).key(&first);
    put.send().await?;

    let soon = PresigningConfig::expires_in(Duration::from_secs(600))?;
    let get = tenant.client.get_object().bucket(bucket).key(&first);
    let get = get.presigned(soon.clone()).await?;
    let put = tenant.client.put_object().bucket(bucket).key(&first);
    let put = put.presigned(soon).await?;
    let link = |method, uri: &str| -> Result<Link> {
        Ok(Link {
            method,
            uri: uri.to_owned(),
            anybody: platform.anonymous_object_store()?,
        })
    };
    Ok(vec![
        Box::new(Upload::begin(platform, tenant).await?),
        Box::new(link("GET", get.uri())?),
        Box::new(link("PUT", put.uri())?),
    ])
}

/// A multipart upload with one part.
struct Upload {
    tenant: ObjectTenant,
    operator: Client,
    key: String,
    id: String,
    part: CompletedPart,
}

impl Upload {
    async fn begin(platform: &Platform, tenant: ObjectTenant) -> Result<Self> {
        let key = format!("{}parts", tenant.prefix);
        let begin = tenant.client.create_multipart_upload();
        let begun = begin.bucket(&tenant.bucket).key(&key).send().await?;
        let id = begun
            .upload_id()
            .context("the upload has no id")?
            .to_owned();
        let part = tenant.client.upload_part().bucket(&tenant.bucket).key(&key);
        let part = part
            .upload_id(&id)
            .part_number(1)
            .body(b"one".to_vec().into());
        let part = part.send().await?;
        let part = CompletedPart::builder()
            .part_number(1)
            .set_e_tag(part.e_tag);
        Ok(Self {
            operator: platform.operators_object_store()?,
            part: part.build(),
            tenant,
            key,
            id,
        })
    }
}

#[async_trait]
impl Session for Upload {
    fn name(&self) -> String {
        "object store: an upload in parts that was begun".into()
    }

    async fn fate(&mut self, _: Closing) -> Result<String> {
        let Self {
            tenant, key, id, ..
        } = &*self;
        let ObjectTenant { client, bucket, .. } = tenant;
        let part = client.upload_part().bucket(bucket).key(key).upload_id(id);
        let part = part.part_number(2).body(b"two".to_vec().into());
        let parts = CompletedMultipartUpload::builder().parts(self.part.clone());
        let complete = client.complete_multipart_upload().bucket(bucket).key(key);
        let complete = complete.upload_id(id).multipart_upload(parts.build());
        let abort = client.abort_multipart_upload().bucket(bucket).key(key);
        let refusals = [
            rejection(part.send().await)?,
            rejection(complete.send().await)?,
            rejection(abort.upload_id(id).send().await)?,
        ];
        let [one, others @ ..] = &refusals;
        ensure!(others.iter().all(|other| other == one), "{refusals:?}");
        let head = self.operator.head_object().bucket(bucket).key(key);
        ensure!(head.send().await.is_err(), "the upload was completed");
        Ok(format!(
            "another part, its completion and its abortion are refused: {one}"
        ))
    }
}

/// A presigned link, valid for some minutes.
struct Link {
    method: &'static str,
    uri: String,
    anybody: Client,
}

#[async_trait]
impl Session for Link {
    fn name(&self) -> String {
        let does = match self.method {
            "GET" => "reads",
            _ => "writes",
        };
        format!("object store: a link, signed before, that {does} an object")
    }

    async fn fate(&mut self, _: Closing) -> Result<String> {
        let body = if self.method == "PUT" { "late" } else { "" };
        let status = send(&self.anybody, self.method, &self.uri, body).await?;
        Ok(match status {
            200 => "works".into(),
            403 => "is refused".into(),
            other => bail!("HTTP status {other}"),
        })
    }
}

pub struct Objects(ObjectTenant);

impl Objects {
    /// Creates a client with the keys of the tenant's Secret.
    pub fn open(platform: &Platform, slug: &str) -> Result<Self> {
        platform.object_store_of(slug).map(Self)
    }
}

#[async_trait]
impl Plane for Objects {
    fn name(&self) -> &'static str {
        "object store"
    }

    async fn is_closed(&mut self, closing: Closing) -> Result<bool> {
        let ObjectTenant {
            client,
            bucket,
            prefix,
        } = &self.0;
        let code = match closing {
            Closing::Suspended => {
                let put = client.put_object().bucket(bucket);
                code(&put.key(format!("{prefix}polled")).send().await)
            }
            Closing::Archived => {
                let get = client.get_object().bucket(bucket);
                code(&get.key(format!("{prefix}first")).send().await)
            }
        };
        Ok(matches!(
            code.as_deref(),
            Some("AccessDenied" | "UserSuspended")
        ))
    }
}

/// Returns the error code of a rejection; fails for any other answer.
fn rejection<T, E: ProvideErrorMetadata>(answer: Result<T, SdkError<E>>) -> Result<String> {
    match code(&answer) {
        Some(code) if ["AccessDenied", "UserSuspended"].contains(&code.as_str()) => Ok(code),
        Some(other) => bail!("failed with {other}"),
        None => bail!("wasn't rejected"),
    }
}

fn code<T, E: ProvideErrorMetadata>(answer: &Result<T, SdkError<E>>) -> Option<String> {
    let error = answer.as_ref().err();
    error.and_then(|error| error.code()).map(str::to_owned)
}
