//! Attempts of a tenant with its marker, the bucket and the gateway.

use akili_scenarios::platform::{ObjectTenant, Platform, send};
use anyhow::Result;
use aws_sdk_s3::types::{
    BucketCannedAcl, BucketVersioningStatus, CorsConfiguration, CorsRule,
    PublicAccessBlockConfiguration, VersioningConfiguration,
};

use super::matrix::Matrix;
use super::others::Neighbours;
use super::own::tagging;

impl Neighbours<'_> {
    /// Changes the marker, the bucket and users.
    pub async fn rules(&self, matrix: &mut Matrix<'_>, platform: &Platform) -> Result<()> {
        matrix.title("a tenant changes the rules");
        let ObjectTenant {
            client,
            bucket,
            prefix,
        } = self.tenant;
        let marker = &format!("{prefix}.akili-tenant");
        let put = client.put_object().bucket(bucket).key(marker);
        matrix
            .may_not("it overwrites its marker", put.send())
            .await?;
        let delete = client.delete_object().bucket(bucket).key(marker);
        matrix
            .may_not("it deletes its marker", delete.send())
            .await?;
        let copy = client.copy_object().bucket(bucket).key(marker);
        let copy = copy.copy_source(format!("{bucket}/{prefix}a"));
        matrix
            .may_not("it copies over its marker", copy.send())
            .await?;
        let begin = client.create_multipart_upload().bucket(bucket).key(marker);
        matrix
            .may_not("it uploads its marker in parts", begin.send())
            .await?;

        self.bucket(matrix).await?;
        self.gateway(matrix, platform).await
    }

    async fn bucket(&self, matrix: &mut Matrix<'_>) -> Result<()> {
        let ObjectTenant { client, bucket, .. } = self.tenant;
        let create = client.create_bucket().bucket("mine").send();
        matrix.may_not("it makes a bucket", create).await?;
        let delete = client.delete_bucket().bucket(bucket).send();
        matrix.may_not("it deletes the bucket", delete).await?;
        let all = format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::{bucket}/*"}}]}}"#
        );
        let policy = client.put_bucket_policy().bucket(bucket).policy(all).send();
        matrix
            .may_not("it sets the bucket's policy", policy)
            .await?;
        let policy = client.get_bucket_policy().bucket(bucket).send();
        matrix
            .may_not("it reads the bucket's policy", policy)
            .await?;
        let acl = client
            .put_bucket_acl()
            .bucket(bucket)
            .acl(BucketCannedAcl::PublicRead);
        matrix.may_not("it opens the bucket", acl.send()).await?;
        let versions = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled);
        let versions = client
            .put_bucket_versioning()
            .bucket(bucket)
            .versioning_configuration(versions.build());
        matrix
            .may_not("it lets the bucket keep versions", versions.send())
            .await?;
        let rule = CorsRule::builder()
            .allowed_methods("GET")
            .allowed_origins("*")
            .build()?;
        let cors = CorsConfiguration::builder().cors_rules(rule).build()?;
        let cors = client
            .put_bucket_cors()
            .bucket(bucket)
            .cors_configuration(cors);
        matrix.may_not("it lets web pages in", cors.send()).await?;
        let lifecycle = client.delete_bucket_lifecycle().bucket(bucket).send();
        matrix
            .may_not("it takes the bucket's lifecycle away", lifecycle)
            .await?;
        let block = PublicAccessBlockConfiguration::builder().build();
        let block = client
            .put_public_access_block()
            .bucket(bucket)
            .public_access_block_configuration(block);
        matrix
            .may_not("it opens the bucket to the public", block.send())
            .await?;
        let block = client.delete_public_access_block().bucket(bucket).send();
        matrix.may_not("it deletes what closes it", block).await?;
        let tags = client
            .put_bucket_tagging()
            .bucket(bucket)
            .tagging(tagging()?);
        matrix.may_not("it tags the bucket", tags.send()).await?;

        Ok(())
    }

    async fn gateway(&self, matrix: &mut Matrix<'_>, platform: &Platform) -> Result<()> {
        let ObjectTenant { client, prefix, .. } = self.tenant;
        let endpoint = &platform.testbed.object_store().endpoint;
        let user = prefix.trim_end_matches('/');
        let admin = |path: &str| format!("{endpoint}/admin/{path}");
        for (what, method, uri) in [
            (
                "it reads its user",
                "GET",
                admin(&format!("user?uid={user}")),
            ),
            ("it reads all users", "GET", admin("metadata/user")),
            (
                "it makes itself a key",
                "POST",
                admin(&format!("user?uid={user}&access-key=mine&secret-key=mine")),
            ),
            (
                "it deletes the other",
                "DELETE",
                admin(&format!(
                    "user?uid={}",
                    self.other.prefix.trim_end_matches('/')
                )),
            ),
        ] {
            matrix
                .rejected(what, send(client, method, &uri, ""))
                .await?;
        }
        let iam = format!("{endpoint}/");
        for action in [
            format!("Action=ListUserPolicies&UserName={user}"),
            format!("Action=DeleteUserPolicy&UserName={user}&PolicyName=akili"),
            format!("Action=PutUserPolicy&UserName={user}&PolicyName=mine&PolicyDocument=%7B%7D"),
        ] {
            let form = send(client, "POST", &iam, &action);
            let action = action.split('&').next().unwrap_or_default();
            matrix.rejected(&format!("it sends {action}"), form).await?;
        }
        Ok(())
    }
}
