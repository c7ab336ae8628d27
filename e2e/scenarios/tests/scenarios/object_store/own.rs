//! Operations of a tenant with its own objects.

use std::time::Duration;

use akili_scenarios::platform::{ObjectTenant, send};
use anyhow::{Context, Result};
use aws_sdk_s3::Client;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{
    CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier, Tag, Tagging,
};

use super::matrix::Matrix;

/// Makes all calls that ordinary programs need.
pub async fn cases(
    matrix: &mut Matrix<'_>,
    tenant: &ObjectTenant,
    anonymous: &Client,
) -> Result<()> {
    let ObjectTenant {
        client,
        bucket,
        prefix,
    } = tenant;
    let own = |name: &str| format!("{prefix}{name}");
    matrix.title("a tenant works with its own objects");

    let put = client
        .put_object()
        .bucket(bucket)
        .key(own("a"))
        .body(b"own".to_vec().into());
    matrix.may("it puts an object", put.send()).await?;
    let get = client.get_object().bucket(bucket).key(own("a"));
    let got = matrix.may("it gets it", get.send()).await?;
    matrix.holds(
        "and that is what it put",
        got.body.collect().await?.to_vec() == b"own",
    );
    let head = client.head_object().bucket(bucket).key(own("a"));
    matrix.may("it asks for its size", head.send()).await?;
    let list = client.list_objects_v2().bucket(bucket).prefix(prefix);
    let listed = matrix.may("it lists its prefix", list.send()).await?;
    matrix.holds("and sees its objects", listed.contents().len() == 2);
    let list = client.list_object_versions().bucket(bucket).prefix(prefix);
    matrix
        .may("it lists versions below its prefix", list.send())
        .await?;
    let copy = client
        .copy_object()
        .copy_source(format!("{bucket}/{}", own("a")));
    let copy = copy.bucket(bucket).key(own("b"));
    matrix.may("it copies it", copy.send()).await?;
    let tag = client
        .put_object_tagging()
        .bucket(bucket)
        .key(own("b"))
        .tagging(tagging()?);
    matrix.may("it tags it", tag.send()).await?;
    let tags = client.get_object_tagging().bucket(bucket).key(own("b"));
    matrix.may("it reads its tags", tags.send()).await?;
    let tags = client.delete_object_tagging().bucket(bucket).key(own("b"));
    matrix.may("it deletes its tags", tags.send()).await?;
    let delete = client.delete_object().bucket(bucket).key(own("b"));
    matrix.may("it deletes it", delete.send()).await?;
    let put = client
        .put_object()
        .bucket(bucket)
        .key(own("c"))
        .body(b"c".to_vec().into());
    matrix.may("it puts another", put.send()).await?;
    let delete = client
        .delete_objects()
        .bucket(bucket)
        .delete(names(&[own("c")])?);
    let deleted = matrix.may("it deletes many at once", delete.send()).await?;
    matrix.holds("and none of them is refused", deleted.errors().is_empty());

    multipart(matrix, tenant).await?;
    let soon = PresigningConfig::expires_in(Duration::from_secs(60))?;
    let get = client
        .get_object()
        .bucket(bucket)
        .key(own("a"))
        .presigned(soon.clone())
        .await?;
    let get = send(anonymous, "GET", get.uri(), "").await?;
    matrix.holds("it gives a link away that gets an object", get == 200);
    let put = client
        .put_object()
        .bucket(bucket)
        .key(own("d"))
        .presigned(soon)
        .await?;
    let put = send(anonymous, "PUT", put.uri(), "by a link").await?;
    matrix.holds("it gives a link away that puts an object", put == 200);
    Ok(())
}

async fn multipart(matrix: &mut Matrix<'_>, tenant: &ObjectTenant) -> Result<()> {
    let ObjectTenant {
        client,
        bucket,
        prefix,
    } = tenant;
    let name = format!("{prefix}parts");
    for end in ["completes", "aborts"] {
        let begin = client.create_multipart_upload().bucket(bucket).key(&name);
        let begun = matrix
            .may("it begins an upload in parts", begin.send())
            .await?;
        let upload = begun.upload_id().context("an upload has an id")?;
        let part = client
            .upload_part()
            .bucket(bucket)
            .key(&name)
            .upload_id(upload);
        let part = part.part_number(1).body(b"part".to_vec().into());
        let part = matrix.may("it uploads a part", part.send()).await?;
        let parts = client
            .list_parts()
            .bucket(bucket)
            .key(&name)
            .upload_id(upload);
        matrix.may("it lists the parts", parts.send()).await?;
        let what = format!("it {end} the upload");
        if end == "completes" {
            let part = CompletedPart::builder()
                .part_number(1)
                .set_e_tag(part.e_tag);
            let parts = CompletedMultipartUpload::builder()
                .parts(part.build())
                .build();
            let complete = client.complete_multipart_upload().bucket(bucket).key(&name);
            let complete = complete.upload_id(upload).multipart_upload(parts);
            matrix.may(&what, complete.send()).await?;
        } else {
            let abort = client.abort_multipart_upload().bucket(bucket).key(&name);
            matrix.may(&what, abort.upload_id(upload).send()).await?;
        }
    }
    Ok(())
}

/// Returns a tag.
pub fn tagging() -> Result<Tagging> {
    let tag = Tag::builder().key("colour").value("red").build()?;
    Ok(Tagging::builder().tag_set(tag).build()?)
}

/// Returns a request to delete these objects.
pub fn names(names: &[String]) -> Result<Delete> {
    let names: Result<Vec<_>, _> = names
        .iter()
        .map(|name| ObjectIdentifier::builder().key(name).build())
        .collect();
    Ok(Delete::builder().set_objects(Some(names?)).build()?)
}
