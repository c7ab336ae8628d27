//! What is below a prefix, a page a call: for measurements and purges.

use async_trait::async_trait;
use aws_sdk_s3::operation::list_multipart_uploads::ListMultipartUploadsOutput;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::operation::list_parts::ListPartsOutput;

use super::client::Client;
use super::diff::Upload;
use super::error::Failure;
use super::measure::{After, Listed, Listing, Sized};
use crate::error::Error;

/// The most that one call shows.
const PAGE: i32 = 1000;

impl Client {
    /// A page of the versions of objects below a prefix.
    pub(super) async fn versions_page(
        &self,
        prefix: &str,
        after: Option<&After>,
    ) -> Result<ListObjectVersionsOutput, Error> {
        let list = self.s3.list_object_versions().bucket(&self.bucket);
        let list = list.prefix(prefix).max_keys(PAGE);
        let list = list
            .set_key_marker(after.map(|it| it.key.clone()))
            .set_version_id_marker(after.map(|it| it.id.clone()));
        let page = async { list.send().await.map_err(Failure::from) };
        self.call(&format!("looking below {prefix}"), page).await
    }

    /// A page of the uploads below a prefix that were never ended.
    pub(super) async fn uploads_page(
        &self,
        prefix: &str,
        after: Option<&After>,
    ) -> Result<ListMultipartUploadsOutput, Error> {
        let list = self.s3.list_multipart_uploads().bucket(&self.bucket);
        let list = list.prefix(prefix).max_uploads(PAGE);
        let list = list
            .set_key_marker(after.map(|it| it.key.clone()))
            .set_upload_id_marker(after.map(|it| it.id.clone()));
        let page = async { list.send().await.map_err(Failure::from) };
        let doing = format!("looking for uploads below {prefix}");
        self.call(&doing, page).await
    }

    /// A page of an upload's parts; nothing if the upload has ended.
    async fn parts_page(
        &self,
        upload: &Upload,
        after: Option<&After>,
    ) -> Result<Option<ListPartsOutput>, Failure> {
        let list = self.s3.list_parts().bucket(&self.bucket);
        let list = list.key(&upload.key).upload_id(&upload.id).max_parts(PAGE);
        let list = list.set_part_number_marker(after.map(|it| it.id.clone()));
        match list.send().await.map_err(Failure::from) {
            Err(failure) if failure.is("NoSuchUpload") || failure.is("NoSuchKey") => Ok(None),
            answer => answer.map(Some),
        }
    }
}

/// Where the page after this one begins.
pub(super) fn after(truncated: Option<bool>, key: Option<&str>, id: Option<&str>) -> Option<After> {
    let after = After {
        key: key?.to_owned(),
        id: id.unwrap_or_default().to_owned(),
    };
    (truncated == Some(true)).then_some(after)
}

#[async_trait]
impl Listing for Client {
    async fn versions(&self, prefix: &str, from: Option<&After>) -> Result<Listed<Sized>, Error> {
        let page = self.versions_page(prefix, from).await?;
        let items = page.versions().iter().map(|it| Sized {
            key: it.key().unwrap_or_default().to_owned(),
            bytes: it.size().unwrap_or_default(),
        });
        Ok(Listed {
            items: items.collect(),
            next: after(
                page.is_truncated(),
                page.next_key_marker(),
                page.next_version_id_marker(),
            ),
        })
    }

    async fn uploads(&self, prefix: &str, from: Option<&After>) -> Result<Listed<Upload>, Error> {
        let page = self.uploads_page(prefix, from).await?;
        let items = page.uploads().iter().map(|it| Upload {
            key: it.key().unwrap_or_default().to_owned(),
            id: it.upload_id().unwrap_or_default().to_owned(),
        });
        Ok(Listed {
            items: items.collect(),
            next: after(
                page.is_truncated(),
                page.next_key_marker(),
                page.next_upload_id_marker(),
            ),
        })
    }

    /// The gateway shows the parts of an upload to whoever began it, and to whom a policy
    /// says so: where there is none yet the operator gives itself one.
    async fn parts(&self, upload: &Upload, from: Option<&After>) -> Result<Listed<Sized>, Error> {
        let list = async {
            match self.parts_page(upload, from).await {
                Err(failure) if failure.is("AccessDenied") => {
                    self.let_itself_list_parts().await?;
                    self.parts_page(upload, from).await
                }
                answer => answer,
            }
        };
        let doing = format!("looking at the parts of an upload to {}", upload.key);
        let page = self.call(&doing, list).await?;
        let parts = page.iter().flat_map(ListPartsOutput::parts);
        let items = parts.map(|it| Sized {
            key: upload.key.clone(),
            bytes: it.size().unwrap_or_default(),
        });
        let next = page.as_ref().and_then(|page| {
            let number = page.next_part_number_marker();
            after(page.is_truncated(), Some(&upload.key), number)
        });
        Ok(Listed {
            items: items.collect(),
            next,
        })
    }
}
