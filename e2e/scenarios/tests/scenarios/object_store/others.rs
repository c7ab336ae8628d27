//! Attempts of a tenant with another tenant's objects.

use std::time::Duration;

use akili_scenarios::platform::{ObjectTenant, send};
use anyhow::{Context, Result};
use aws_sdk_s3::Client;
use aws_sdk_s3::presigning::PresigningConfig;

use super::matrix::Matrix;
use super::own::{names, tagging};

/// A tenant beside another one, which has the object `secret`.
pub struct Neighbours<'a> {
    /// The tenant under test.
    pub tenant: &'a ObjectTenant,
    /// The owner of the objects.
    pub other: &'a ObjectTenant,
    /// A client without a key.
    pub anonymous: &'a Client,
}

impl Neighbours<'_> {
    /// Lists foreign prefixes.
    pub async fn lists(&self, matrix: &mut Matrix<'_>) -> Result<()> {
        matrix.title("a tenant lists what isn't its own");
        let ObjectTenant { client, bucket, .. } = self.tenant;
        let theirs = self.other.prefix.as_str();
        let without_slash = self.tenant.prefix.trim_end_matches('/');
        for (what, prefix, delimiter) in [
            ("the other's prefix", Some(theirs), None),
            ("the other's folders", Some(theirs), Some("/")),
            (
                "the other's prefix without its slash",
                Some(theirs.trim_end_matches('/')),
                None,
            ),
            (
                "its own prefix without its slash",
                Some(without_slash),
                None,
            ),
            ("all prefixes of tenants", Some("tenant-"), Some("/")),
            ("the whole bucket", None, None),
            ("all folders of the bucket", None, Some("/")),
        ] {
            let prefix = prefix.map(str::to_owned);
            let delimiter = delimiter.map(str::to_owned);
            let list = client
                .list_objects_v2()
                .bucket(bucket)
                .set_prefix(prefix.clone());
            let list = list.set_delimiter(delimiter.clone()).send();
            matrix.may_not(&format!("it lists {what}"), list).await?;
            let list = client
                .list_objects()
                .bucket(bucket)
                .set_prefix(prefix.clone());
            let list = list.set_delimiter(delimiter.clone()).send();
            matrix
                .may_not(&format!("it lists {what}, version 1"), list)
                .await?;
            let list = client
                .list_object_versions()
                .bucket(bucket)
                .set_prefix(prefix.clone());
            let list = list.set_delimiter(delimiter).send();
            matrix
                .may_not(&format!("it lists versions of {what}"), list)
                .await?;
            let list = client
                .list_multipart_uploads()
                .bucket(bucket)
                .set_prefix(prefix);
            matrix
                .may_not(&format!("it lists uploads of {what}"), list.send())
                .await?;
        }
        Ok(())
    }

    /// Reads and writes foreign objects.
    pub async fn objects(&self, matrix: &mut Matrix<'_>) -> Result<()> {
        matrix.title("a tenant reaches for another's objects");
        let ObjectTenant {
            client,
            bucket,
            prefix,
        } = self.tenant;
        let theirs = &format!("{}secret", self.other.prefix);
        let new = &format!("{}new", self.other.prefix);
        let own = &format!("{prefix}a");

        let get = client.get_object().bucket(bucket).key(theirs);
        matrix.may_not("it gets one", get.clone().send()).await?;
        let head = client.head_object().bucket(bucket).key(theirs);
        matrix.may_not("it asks for its size", head.send()).await?;
        let acl = client.get_object_acl().bucket(bucket).key(theirs);
        matrix
            .may_not("it asks who may read it", acl.send())
            .await?;
        let tags = client.get_object_tagging().bucket(bucket).key(theirs);
        matrix.may_not("it reads its tags", tags.send()).await?;
        let tag = client.put_object_tagging().bucket(bucket).key(theirs);
        matrix
            .may_not("it tags it", tag.tagging(tagging()?).send())
            .await?;
        let body = || b"mine".to_vec().into();
        let put = || client.put_object().bucket(bucket).key(theirs).body(body());
        matrix.may_not("it overwrites it", put().send()).await?;
        matrix
            .may_not("it puts a new one", put().key(new).send())
            .await?;
        let delete = client.delete_object().bucket(bucket).key(theirs);
        matrix.may_not("it deletes it", delete.send()).await?;
        let copy = client.copy_object().bucket(bucket).key(own);
        let copy = copy.copy_source(format!("{bucket}/{theirs}"));
        matrix
            .may_not("it copies it to its own", copy.send())
            .await?;
        let copy = client.copy_object().bucket(bucket).key(new);
        let copy = copy.copy_source(format!("{bucket}/{own}"));
        matrix
            .may_not("it copies its own there", copy.send())
            .await?;
        let begin = client.create_multipart_upload().bucket(bucket).key(new);
        matrix
            .may_not("it begins an upload in parts there", begin.send())
            .await?;
        let begin = client.create_multipart_upload().bucket(bucket).key(own);
        let upload = begin.send().await?;
        let upload = upload.upload_id().context("an upload has an id")?;
        let part = client
            .upload_part_copy()
            .bucket(bucket)
            .key(own)
            .upload_id(upload);
        let part = part
            .part_number(1)
            .copy_source(format!("{bucket}/{theirs}"));
        matrix
            .may_not("it copies it as a part of its own", part.send())
            .await?;
        let abort = client.abort_multipart_upload().bucket(bucket).key(own);
        abort.upload_id(upload).send().await?;

        let soon = PresigningConfig::expires_in(Duration::from_secs(60))?;
        let link = get.presigned(soon.clone()).await?;
        let follow = send(self.anonymous, "GET", link.uri(), "");
        matrix
            .rejected("it signs a link that gets it", follow)
            .await?;
        let link = client
            .put_object()
            .bucket(bucket)
            .key(theirs)
            .presigned(soon)
            .await?;
        let follow = send(self.anonymous, "PUT", link.uri(), "by a link");
        matrix
            .rejected("it signs a link that overwrites it", follow)
            .await?;
        self.deletes_many(matrix, theirs).await
    }

    /// Deletes several objects at once; the answer has a result per object.
    async fn deletes_many(&self, matrix: &mut Matrix<'_>, theirs: &str) -> Result<()> {
        let ObjectTenant {
            client,
            bucket,
            prefix,
        } = self.tenant;
        let marker = format!("{prefix}.akili-tenant");
        let all = names(&[theirs.to_owned(), marker])?;
        let delete = client.delete_objects().bucket(bucket).delete(all).send();
        let refused = async {
            let deleted = delete.await?;
            Ok(if deleted.errors().len() == 2 {
                403
            } else {
                200
            })
        };
        matrix
            .rejected("it deletes it and its own marker among many", refused)
            .await
    }
}
