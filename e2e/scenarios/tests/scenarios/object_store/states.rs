//! Access of a suspended and of an archived tenant.

use akili_scenarios::platform::Platform;
use anyhow::Result;
use aws_sdk_s3::types::ObjectCannedAcl;
use serde_json::json;

use super::matrix::Matrix;
use super::others::Neighbours;
use super::own::{names, tagging};
use super::sharing::{GIVEN_AWAY, given_away};

impl Neighbours<'_> {
    /// Checks a suspended tenant; objects were shared in every way while it was ACTIVE.
    pub async fn suspended(&self, matrix: &mut Matrix<'_>, platform: &Platform) -> Result<()> {
        let (client, bucket) = (&self.tenant.client, &self.tenant.bucket);
        let prefix = &self.tenant.prefix;
        let (a, new) = (&format!("{prefix}a"), &format!("{prefix}new"));
        let begin = client.create_multipart_upload().bucket(bucket).key(new);
        let upload = begin.send().await?;
        let upload = upload.upload_id().unwrap_or_default();
        reach(platform, "Suspended").await?;

        matrix.title("a suspended tenant");
        let get = client.get_object().bucket(bucket).key(a);
        matrix.may("it gets an object", get.send()).await?;
        let list = client.list_objects_v2().bucket(bucket).prefix(prefix);
        matrix.may("it lists its prefix", list.send()).await?;
        let put = || client.put_object().bucket(bucket).key(new);
        matrix.may_not("it puts an object", put().send()).await?;
        let public = put().acl(ObjectCannedAcl::PublicRead);
        matrix
            .may_not("it puts a public one", public.send())
            .await?;
        let tag = client.put_object_tagging().bucket(bucket).key(a);
        let tag = tag.tagging(tagging()?);
        matrix.may_not("it tags one", tag.send()).await?;
        let acl = client.put_object_acl().bucket(bucket).key(a);
        let acl = acl.acl(ObjectCannedAcl::PublicRead);
        matrix.may_not("it opens one", acl.send()).await?;
        let copy = client.copy_object().bucket(bucket).key(new);
        let copy = copy.copy_source(format!("{bucket}/{a}"));
        matrix.may_not("it copies one", copy.send()).await?;
        let delete = client.delete_object().bucket(bucket).key(a);
        matrix.may_not("it deletes one", delete.send()).await?;
        let delete = client.delete_objects().bucket(bucket);
        let delete = delete.delete(names(std::slice::from_ref(a))?);
        matrix.may_not("it deletes many", delete.send()).await?;
        let part = client
            .upload_part()
            .bucket(bucket)
            .key(new)
            .upload_id(upload);
        let part = part.part_number(1).body(b"part".to_vec().into());
        matrix
            .may_not("it continues an upload", part.send())
            .await?;
        let abort = client.abort_multipart_upload().bucket(bucket).key(new);
        let abort = abort.upload_id(upload);
        matrix.may_not("it aborts an upload", abort.send()).await?;
        self.nobody_else(matrix).await
    }

    /// Checks an archived tenant with the same objects.
    pub async fn archived(&self, matrix: &mut Matrix<'_>, platform: &Platform) -> Result<()> {
        reach(platform, "Archived").await?;
        let (client, bucket) = (&self.tenant.client, &self.tenant.bucket);
        let prefix = &self.tenant.prefix;
        matrix.title("an archived tenant");
        let get = client.get_object().bucket(bucket).key(format!("{prefix}a"));
        matrix.may_not("it gets an object", get.send()).await?;
        let put = client.put_object().bucket(bucket).key(format!("{prefix}a"));
        matrix.may_not("it puts an object", put.send()).await?;
        let list = client.list_objects_v2().bucket(bucket).prefix(prefix);
        matrix.may_not("it lists its prefix", list.send()).await?;
        self.nobody_else(matrix).await
    }

    async fn nobody_else(&self, matrix: &mut Matrix<'_>) -> Result<()> {
        for (what, reader) in [
            (
                "nobody without a key gets what it gave away",
                self.anonymous,
            ),
            ("the other doesn't get it either", &self.other.client),
        ] {
            for number in 0..GIVEN_AWAY {
                let key = given_away(&self.tenant.prefix, number);
                let get = reader.get_object().bucket(&self.tenant.bucket).key(key);
                matrix.may_not(what, get.send()).await?;
            }
        }
        Ok(())
    }
}

async fn reach(platform: &Platform, state: &str) -> Result<()> {
    platform.patch_spec("tenant", "depot", &json!({"state": state}))?;
    let phase = state.to_uppercase();
    platform
        .eventually(&format!("depot is {phase}"), || {
            Ok(platform.status("depot", "phase")? == phase)
        })
        .await
}
