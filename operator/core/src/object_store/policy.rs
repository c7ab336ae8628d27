//! Policy documents: a tenant's rights in the shared bucket. Pure.

use akili_crds::TenantId;
use serde_json::{Value, json};

/// Name of the one policy that a tenant's user has.
pub const NAME: &str = "akili";

/// Name of the policy that the operator sets on its own user.
pub const MEASURING: &str = "akili-measuring";

/// A tenant's rights below its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// List, read, write, tag and delete.
    ReadWrite,
    /// List, read and delete: storage can only shrink.
    ReadDelete,
    /// List and read.
    ReadOnly,
}

impl Rights {
    /// All variants.
    pub const ALL: [Self; 3] = [Self::ReadWrite, Self::ReadDelete, Self::ReadOnly];
}

/// Returns the key of the owner marker: the object that names the tenant of a prefix.
pub fn marker_key(tenant: TenantId) -> String {
    format!("{}.akili-tenant", tenant.object_prefix())
}

/// Returns the policy of the tenant's user.
///
/// The policy denies more than it allows, because a tenant owns the objects that it uploads:
/// access lists would grant the tenant, and any user that it names there, what no policy
/// allows.
pub fn document(rights: Rights, bucket: &str, tenant: TenantId) -> Value {
    let prefix = tenant.object_prefix();
    let bucket = format!("arn:aws:s3:::{bucket}");
    let objects = format!("{bucket}/{prefix}*");
    let allow = |actions: &[&str], resource: &str| json!({"Effect": "Allow", "Action": actions, "Resource": [resource]});
    let deny = |actions: &[&str], resource: &str| json!({"Effect": "Deny", "Action": actions, "Resource": [resource]});
    // The prefix includes its slash, or the prefix of another tenant could begin with it.
    // The gateway ignores the condition for ListBucketMultipartUploads, which would list
    // every tenant's uploads: so no tenant has that right.
    let mut list = allow(&["s3:ListBucket", "s3:ListBucketVersions"], &bucket);
    list["Condition"] = json!({"StringLike": {"s3:prefix": [format!("{prefix}*")]}});
    let mut statements = vec![
        list,
        allow(&["s3:GetBucketLocation"], &bucket),
        allow(&READ, &objects),
        json!({"Effect": "Deny", "Action": ["s3:*"], "NotResource": [bucket, objects]}),
        deny(&["s3:PutObjectAcl", "s3:PutObjectVersionAcl"], "*"),
    ];
    let marker = format!("{bucket}/{}", marker_key(tenant));
    // For a request that deletes many objects the gateway checks the right on the bucket
    // first, and then on each object.
    let delete_many = allow(&["s3:DeleteObject"], &bucket);
    match rights {
        Rights::ReadWrite => statements.extend([
            allow(&[&WRITE[..], &DELETE].concat(), &objects),
            delete_many,
            deny(&CHANGE, &marker),
        ]),
        Rights::ReadDelete => statements.extend([
            allow(&DELETE, &objects),
            delete_many,
            deny(&CHANGE, &marker),
            deny(&["s3:Put*"], "*"),
        ]),
        Rights::ReadOnly => statements.push(deny(&CHANGE, "*")),
    }
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// Returns the policy of the operator's own user. The operator owns the bucket, but tenants
/// own what they upload, and the gateway lists the parts of an upload only to its owner and
/// to users that a policy allows.
pub fn measuring(bucket: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Action": ["s3:ListMultipartUploadParts"],
        "Resource": [format!("arn:aws:s3:::{bucket}/*")],
    }]})
}

const READ: [&str; 5] = [
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:GetObjectTagging",
    "s3:GetObjectVersionTagging",
    "s3:ListMultipartUploadParts",
];

const WRITE: [&str; 2] = ["s3:PutObject", "s3:PutObjectTagging"];

const DELETE: [&str; 4] = [
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:DeleteObjectTagging",
    "s3:AbortMultipartUpload",
];

/// Actions that change an object.
const CHANGE: [&str; 3] = ["s3:Put*", "s3:Delete*", "s3:AbortMultipartUpload"];

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "550e8400-e29b-41d4-a716-446655440000";

    fn statements(rights: Rights) -> Vec<Value> {
        let document = document(rights, "akili", ID.parse().unwrap());
        assert_eq!(document["Version"], "2012-10-17");
        document["Statement"].as_array().unwrap().clone()
    }

    fn common() -> Vec<Value> {
        let bucket = "arn:aws:s3:::akili";
        let objects = format!("arn:aws:s3:::akili/tenant-{ID}/*");
        vec![
            json!({
                "Effect": "Allow",
                "Action": ["s3:ListBucket", "s3:ListBucketVersions"],
                "Resource": [bucket],
                "Condition": {"StringLike": {"s3:prefix": [format!("tenant-{ID}/*")]}},
            }),
            json!({"Effect": "Allow", "Action": ["s3:GetBucketLocation"], "Resource": [bucket]}),
            json!({
                "Effect": "Allow",
                "Action": [
                    "s3:GetObject",
                    "s3:GetObjectVersion",
                    "s3:GetObjectTagging",
                    "s3:GetObjectVersionTagging",
                    "s3:ListMultipartUploadParts",
                ],
                "Resource": [objects],
            }),
            json!({"Effect": "Deny", "Action": ["s3:*"], "NotResource": [bucket, objects]}),
            json!({
                "Effect": "Deny",
                "Action": ["s3:PutObjectAcl", "s3:PutObjectVersionAcl"],
                "Resource": ["*"],
            }),
        ]
    }

    /// Statements of every tenant that may delete: many at once, and never the marker.
    fn deletion_statements() -> [Value; 2] {
        [
            json!({
                "Effect": "Allow",
                "Action": ["s3:DeleteObject"],
                "Resource": ["arn:aws:s3:::akili"],
            }),
            json!({
                "Effect": "Deny",
                "Action": ["s3:Put*", "s3:Delete*", "s3:AbortMultipartUpload"],
                "Resource": [format!("arn:aws:s3:::akili/tenant-{ID}/.akili-tenant")],
            }),
        ]
    }

    #[test]
    fn read_write_policy_protects_the_marker() {
        let found = statements(Rights::ReadWrite);
        let mut expected = common();
        expected.push(json!({
            "Effect": "Allow",
            "Action": [
                "s3:PutObject",
                "s3:PutObjectTagging",
                "s3:DeleteObject",
                "s3:DeleteObjectVersion",
                "s3:DeleteObjectTagging",
                "s3:AbortMultipartUpload",
            ],
            "Resource": [format!("arn:aws:s3:::akili/tenant-{ID}/*")],
        }));
        expected.extend(deletion_statements());
        assert_eq!(found, expected);
    }

    #[test]
    fn read_delete_policy_denies_every_put() {
        let found = statements(Rights::ReadDelete);
        let mut expected = common();
        expected.push(json!({
            "Effect": "Allow",
            "Action": [
                "s3:DeleteObject",
                "s3:DeleteObjectVersion",
                "s3:DeleteObjectTagging",
                "s3:AbortMultipartUpload",
            ],
            "Resource": [format!("arn:aws:s3:::akili/tenant-{ID}/*")],
        }));
        expected.extend(deletion_statements());
        expected.push(json!({"Effect": "Deny", "Action": ["s3:Put*"], "Resource": ["*"]}));
        assert_eq!(found, expected);
    }

    #[test]
    fn read_only_policy_denies_every_change() {
        let found = statements(Rights::ReadOnly);
        let mut expected = common();
        expected.push(json!({
            "Effect": "Deny",
            "Action": ["s3:Put*", "s3:Delete*", "s3:AbortMultipartUpload"],
            "Resource": ["*"],
        }));
        assert_eq!(found, expected);
    }
}
