//! Objects that a tenant shares, and access without a key.

use akili_scenarios::platform::ObjectTenant;
use anyhow::Result;
use aws_sdk_s3::types::ObjectCannedAcl;

use super::matrix::Matrix;
use super::others::Neighbours;

/// Number of ways in which the tenant shares an object.
pub const GIVEN_AWAY: usize = 6;

/// Returns the key of the object that was shared in this way.
pub fn given_away(prefix: &str, number: usize) -> String {
    format!("{prefix}open-{number}")
}

impl Neighbours<'_> {
    /// Shares objects and checks that nobody else can read them.
    pub async fn gives_away(&self, matrix: &mut Matrix<'_>) -> Result<()> {
        matrix.title("a tenant gives its own objects away");
        let ObjectTenant {
            client,
            bucket,
            prefix,
        } = self.tenant;
        let body = || b"open".to_vec().into();
        let put = || client.put_object().bucket(bucket).body(body());
        let neighbour = format!("id={}", self.other.prefix.trim_end_matches('/'));
        let everybody = "uri=http://acs.amazonaws.com/groups/global/AllUsers";
        let ways: [_; GIVEN_AWAY] = [
            ("to the public", put().acl(ObjectCannedAcl::PublicRead)),
            (
                "to the public, to write",
                put().acl(ObjectCannedAcl::PublicReadWrite),
            ),
            (
                "to all users with a key",
                put().acl(ObjectCannedAcl::AuthenticatedRead),
            ),
            ("to everybody by a grant", put().grant_read(everybody)),
            ("to the other by a grant", put().grant_read(&neighbour)),
            ("to the other wholly", put().grant_full_control(&neighbour)),
        ];
        for (number, (how, put)) in ways.into_iter().enumerate() {
            let key = &given_away(prefix, number);
            // Rejected or not, nobody else may read the object afterwards.
            let _ = put.key(key).send().await;
            for (who, reader) in [
                ("nobody without a key", self.anonymous),
                ("the other", &self.other.client),
            ] {
                let get = reader.get_object().bucket(bucket).key(key).send();
                matrix
                    .may_not(&format!("{how}: {who} gets it"), get)
                    .await?;
            }
        }
        let acl = client.put_object_acl().bucket(bucket);
        let acl = acl.key(given_away(prefix, 0));
        matrix
            .may_not(
                "it opens one that is there",
                acl.acl(ObjectCannedAcl::PublicRead).send(),
            )
            .await?;

        matrix.title("somebody without a key");
        let list = self.anonymous.list_objects_v2().bucket(bucket);
        matrix
            .may_not("lists the bucket", list.clone().send())
            .await?;
        matrix
            .may_not("lists a tenant's prefix", list.prefix(prefix).send())
            .await?;
        let get = self
            .anonymous
            .get_object()
            .bucket(bucket)
            .key(format!("{prefix}a"));
        matrix.may_not("gets an object", get.send()).await?;
        let put = self
            .anonymous
            .put_object()
            .bucket(bucket)
            .key(format!("{prefix}a"));
        matrix.may_not("puts an object", put.send()).await
    }
}
