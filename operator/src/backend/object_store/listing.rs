//! Listings of a prefix, one page per call: for measurements and purges.

use akili_core::object_store::model::{Cursor, Listed, Size, Upload};
use async_trait::async_trait;
use aws_sdk_s3::operation::list_multipart_uploads::ListMultipartUploadsOutput;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::operation::list_parts::ListPartsOutput;

use super::client::Client;
use super::error::GatewayError;
use super::measure::Listing;
use crate::error::Error;

/// Maximum number of entries per page.
const PAGE_SIZE: i32 = 1000;

impl Client {
    /// Returns a page of the versions of objects below a prefix.
    pub(super) async fn versions_page(
        &self,
        prefix: &str,
        after: Option<&Cursor>,
    ) -> Result<ListObjectVersionsOutput, Error> {
        let list = self.s3.list_object_versions().bucket(&self.bucket);
        let list = list.prefix(prefix).max_keys(PAGE_SIZE);
        let list = list
            .set_key_marker(after.map(|it| it.key.clone()))
            .set_version_id_marker(after.map(|it| it.id.clone()));
        let page = async { list.send().await.map_err(GatewayError::from) };
        self.call(&format!("listing objects below {prefix}"), page)
            .await
    }

    /// Returns a page of the unfinished uploads below a prefix.
    pub(super) async fn uploads_page(
        &self,
        prefix: &str,
        after: Option<&Cursor>,
    ) -> Result<ListMultipartUploadsOutput, Error> {
        let list = self.s3.list_multipart_uploads().bucket(&self.bucket);
        let list = list.prefix(prefix).max_uploads(PAGE_SIZE);
        let list = list
            .set_key_marker(after.map(|it| it.key.clone()))
            .set_upload_id_marker(after.map(|it| it.id.clone()));
        let page = async { list.send().await.map_err(GatewayError::from) };
        let operation = format!("listing uploads below {prefix}");
        self.call(&operation, page).await
    }

    /// Returns a page of an upload's parts; `None` if the upload has ended.
    async fn parts_page(
        &self,
        upload: &Upload,
        after: Option<&Cursor>,
    ) -> Result<Option<ListPartsOutput>, GatewayError> {
        let list = self.s3.list_parts().bucket(&self.bucket);
        let list = list
            .key(&upload.key)
            .upload_id(&upload.id)
            .max_parts(PAGE_SIZE);
        let list = list.set_part_number_marker(after.map(|it| it.id.clone()));
        match list.send().await.map_err(GatewayError::from) {
            Err(error) if error.has_code("NoSuchUpload") || error.has_code("NoSuchKey") => Ok(None),
            answer => answer.map(Some),
        }
    }
}

/// Returns where the next page begins, if the listing is truncated.
pub(super) fn next_page(
    truncated: Option<bool>,
    key: Option<&str>,
    id: Option<&str>,
) -> Option<Cursor> {
    let cursor = Cursor {
        key: key?.to_owned(),
        id: id.unwrap_or_default().to_owned(),
    };
    (truncated == Some(true)).then_some(cursor)
}

#[async_trait]
impl Listing for Client {
    async fn versions(&self, prefix: &str, from: Option<&Cursor>) -> Result<Listed<Size>, Error> {
        let page = self.versions_page(prefix, from).await?;
        let items = page.versions().iter().map(|it| Size {
            key: it.key().unwrap_or_default().to_owned(),
            bytes: it.size().unwrap_or_default(),
        });
        Ok(Listed {
            items: items.collect(),
            next: next_page(
                page.is_truncated(),
                page.next_key_marker(),
                page.next_version_id_marker(),
            ),
        })
    }

    async fn uploads(&self, prefix: &str, from: Option<&Cursor>) -> Result<Listed<Upload>, Error> {
        let page = self.uploads_page(prefix, from).await?;
        let items = page.uploads().iter().map(|it| Upload {
            key: it.key().unwrap_or_default().to_owned(),
            id: it.upload_id().unwrap_or_default().to_owned(),
        });
        Ok(Listed {
            items: items.collect(),
            next: next_page(
                page.is_truncated(),
                page.next_key_marker(),
                page.next_upload_id_marker(),
            ),
        })
    }

    /// The gateway lists the parts of an upload to its owner and to users that a policy
    /// allows. If the operator's own user has no such policy yet, the operator sets it.
    async fn parts(&self, upload: &Upload, from: Option<&Cursor>) -> Result<Listed<Size>, Error> {
        let list = async {
            match self.parts_page(upload, from).await {
                Err(error) if error.has_code("AccessDenied") => {
                    self.allow_own_user_to_list_parts().await?;
                    self.parts_page(upload, from).await
                }
                answer => answer,
            }
        };
        let operation = format!("listing the parts of an upload to {}", upload.key);
        let page = self.call(&operation, list).await?;
        let parts = page.iter().flat_map(ListPartsOutput::parts);
        let items = parts.map(|it| Size {
            key: upload.key.clone(),
            bytes: it.size().unwrap_or_default(),
        });
        let next = page.as_ref().and_then(|page| {
            let number = page.next_part_number_marker();
            next_page(page.is_truncated(), Some(&upload.key), number)
        });
        Ok(Listed {
            items: items.collect(),
            next,
        })
    }
}
