//! Calls of a purge: list and delete what is below a tenant's prefix, page by page.

use akili_core::object_store::model::{Page, Upload, Version};
use akili_core::object_store::policy::marker_key;
use aws_sdk_s3::operation::list_multipart_uploads::ListMultipartUploadsOutput;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use futures::future::try_join_all;

use super::client::Client;
use super::error::GatewayError;
use super::listing::next_page;
use crate::backend::TenantKey;
use crate::error::Error;

/// Maximum number of objects that one request deletes: with versioning each takes about 20 ms.
const DELETES_PER_REQUEST: usize = 25;

impl Client {
    /// Returns a page of what is below the tenant's prefix, with old versions and unfinished
    /// uploads. Two calls, unless the gateway answers with empty pages.
    pub async fn purge_page(&self, tenant: &TenantKey) -> Result<Page, Error> {
        let prefix = tenant.id.object_prefix();
        let versions = self.versions_below(&prefix).await?;
        let uploads = self.uploads_below(&prefix).await?;
        let marker_key = marker_key(tenant.id);
        let found = versions
            .versions()
            .iter()
            .map(|it| (it.key(), it.version_id()));
        let delete_markers = versions.delete_markers().iter();
        let delete_markers = delete_markers.map(|it| (it.key(), it.version_id()));
        let version = |(key, id): (Option<&str>, Option<&str>)| Version {
            key: key.unwrap_or_default().to_owned(),
            id: id.unwrap_or("null").to_owned(),
        };
        // Returns nothing outside the prefix, even if a gateway lists it.
        let found = found.chain(delete_markers).map(version);
        let found = found.filter(|version| version.key.starts_with(&prefix));
        let (marker, objects) = found.partition(|version| version.key == marker_key);
        let unfinished = uploads.uploads().iter().map(|it| Upload {
            key: it.key().unwrap_or_default().to_owned(),
            id: it.upload_id().unwrap_or_default().to_owned(),
        });
        Ok(Page {
            objects,
            marker,
            uploads: unfinished
                .filter(|it| it.key.starts_with(&prefix))
                .collect(),
            more: [versions.is_truncated(), uploads.is_truncated()].contains(&Some(true)),
        })
    }

    /// Returns the first page of versions that is not empty, or the last page.
    async fn versions_below(&self, prefix: &str) -> Result<ListObjectVersionsOutput, Error> {
        let mut from = None;
        loop {
            let page = self.versions_page(prefix, from.as_ref()).await?;
            let empty = page.versions().is_empty() && page.delete_markers().is_empty();
            let (key, version) = (page.next_key_marker(), page.next_version_id_marker());
            from = next_page(page.is_truncated(), key, version);
            if !empty || from.is_none() {
                return Ok(page);
            }
        }
    }

    /// Returns the first page of uploads that is not empty, or the last page.
    async fn uploads_below(&self, prefix: &str) -> Result<ListMultipartUploadsOutput, Error> {
        let mut from = None;
        loop {
            let page = self.uploads_page(prefix, from.as_ref()).await?;
            let (key, upload) = (page.next_key_marker(), page.next_upload_id_marker());
            from = next_page(page.is_truncated(), key, upload);
            if !page.uploads().is_empty() || from.is_none() {
                return Ok(page);
            }
        }
    }

    /// Deletes these versions of objects permanently, by several requests at the same time:
    /// within a request the gateway deletes one object after the other.
    pub async fn delete_objects(&self, versions: &[Version]) -> Result<(), Error> {
        let requests = versions
            .chunks(DELETES_PER_REQUEST)
            .map(|chunk| self.delete_chunk(chunk));
        let requests: Vec<_> = requests.collect();
        try_join_all(requests).await.map(drop)
    }

    async fn delete_chunk(&self, versions: &[Version]) -> Result<(), Error> {
        let operation = "deleting objects";
        let objects = versions.iter().map(|version| {
            ObjectIdentifier::builder()
                .key(&version.key)
                .version_id(&version.id)
                .build()
        });
        let objects: Result<Vec<_>, _> = objects.collect();
        let delete = async {
            let objects = objects.map_err(|error| GatewayError::no_answer(&error))?;
            let all = Delete::builder().set_objects(Some(objects)).quiet(true);
            let all = all
                .build()
                .map_err(|error| GatewayError::no_answer(&error))?;
            let delete = self.s3.delete_objects().bucket(&self.bucket).delete(all);
            let answer = delete.send().await.map_err(GatewayError::from)?;
            match answer.errors().first() {
                None => Ok(()),
                Some(error) => Err(GatewayError::Rejected {
                    status: 200,
                    code: error.code().unwrap_or_default().to_owned(),
                }),
            }
        };
        self.call(operation, delete).await
    }

    /// Aborts an unfinished upload, which deletes its parts.
    pub async fn abort_upload(&self, upload: &Upload) -> Result<(), Error> {
        let abort = self
            .s3
            .abort_multipart_upload()
            .bucket(&self.bucket)
            .key(&upload.key)
            .upload_id(&upload.id)
            .send();
        let abort = async {
            match abort.await.map_err(GatewayError::from) {
                Err(error) if error.has_code("NoSuchUpload") => Ok(()),
                answer => answer.map(drop),
            }
        };
        self.call("aborting an upload", abort).await
    }
}
