//! What a tenant may do in the bucket that all share, as policy documents: pure.

use akili_crds::TenantId;
use serde_json::{Value, json};

/// The name of the one policy that a tenant's user has.
pub const NAME: &str = "akili";

/// The name of the policy that the operator gives its own user.
pub const MEASURING: &str = "akili-measuring";

/// What a tenant may do below its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// List, read, write, tag and delete.
    ReadWrite,
    /// List, read and delete: nothing gets more.
    ReadDelete,
    /// List and read.
    ReadOnly,
}

impl Rights {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ReadWrite, Self::ReadDelete, Self::ReadOnly];
}

/// The name, in the bucket, of the object that says whose a prefix is.
pub fn marker(tenant: TenantId) -> String {
    format!("{}.akili-tenant", tenant.object_prefix())
}

/// The policy of the tenant's user.
///
/// It denies more than it allows, because a tenant owns the objects that it uploads:
/// access lists would give it, and whoever it names, what no policy allows.
pub fn document(rights: Rights, bucket: &str, tenant: TenantId) -> Value {
    let prefix = tenant.object_prefix();
    let bucket = format!("arn:aws:s3:::{bucket}");
    let objects = format!("{bucket}/{prefix}*");
    let allow = |actions: &[&str], resource: &str| json!({"Effect": "Allow", "Action": actions, "Resource": [resource]});
    let deny = |actions: &[&str], resource: &str| json!({"Effect": "Deny", "Action": actions, "Resource": [resource]});
    // With its slash, or the prefix of another tenant might begin with this one. The
    // gateway doesn't look at the condition for ListBucketMultipartUploads, which
    // would show everybody's: so nobody has it.
    let mut list = allow(&["s3:ListBucket", "s3:ListBucketVersions"], &bucket);
    list["Condition"] = json!({"StringLike": {"s3:prefix": [format!("{prefix}*")]}});
    let mut statements = vec![
        list,
        allow(&["s3:GetBucketLocation"], &bucket),
        allow(&READ, &objects),
        json!({"Effect": "Deny", "Action": ["s3:*"], "NotResource": [bucket, objects]}),
        deny(&["s3:PutObjectAcl", "s3:PutObjectVersionAcl"], "*"),
    ];
    let marker = format!("{bucket}/{}", marker(tenant));
    // Who deletes many at once is asked about the bucket first, and then about each of
    // them.
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

/// The policy of the operator's own user. The bucket is its own, but what tenants upload
/// is theirs, and the parts of an upload are shown to nobody else.
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

/// Everything that changes an object.
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

    /// What whoever may delete has: many at once, and never the marker.
    fn of_deletion() -> [Value; 2] {
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
    fn who_may_write_may_not_change_the_marker() {
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
        expected.extend(of_deletion());
        assert_eq!(found, expected);
    }

    #[test]
    fn who_may_delete_may_put_nothing_whoever_owns_it() {
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
        expected.extend(of_deletion());
        expected.push(json!({"Effect": "Deny", "Action": ["s3:Put*"], "Resource": ["*"]}));
        assert_eq!(found, expected);
    }

    #[test]
    fn who_may_read_may_change_nothing() {
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
