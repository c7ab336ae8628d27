//! Types of the object-store plane: what the gateway holds for a tenant, and the steps that
//! change it.

use std::fmt;

use akili_crds::TenantId;

use super::policy::{self, Rights};
use super::user::User;
use crate::Credential;

/// State of a tenant as a list of many tenants returns it.
#[derive(Clone, Debug, Hash)]
pub struct Held {
    /// True if public access to the bucket is blocked.
    pub bucket_protected: bool,
    /// The tenant's user, if it exists.
    pub user: Option<User>,
    /// Owner of the tenant's prefix.
    pub marker: Marker,
}

/// Observed state of a tenant in the object store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// True if public access to the bucket is blocked.
    pub bucket_protected: bool,
    /// Owner of the tenant's prefix.
    pub marker: Marker,
    /// The tenant's user compared with its specification, if the user exists.
    pub user: Option<UserState>,
    /// Content of the tenant's Secret, if it exists.
    pub credential: Option<Credential>,
    /// A page of the prefix's content; read only for a purge.
    pub content: Page,
}

/// A page of what is stored below a tenant's prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Versions of objects and delete markers, without those of the owner marker.
    pub objects: Vec<Version>,
    /// Versions of the owner marker.
    pub marker: Vec<Version>,
    /// Unfinished multipart uploads.
    pub uploads: Vec<Upload>,
    /// True if another page follows.
    pub more: bool,
}

/// One version of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The object's key.
    pub key: String,
    /// The version's id; `null` in a bucket without versioning.
    pub id: String,
}

/// An unfinished multipart upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Key of the object that the upload would create.
    pub key: String,
    /// The upload's id.
    pub id: String,
}

/// Owner of a prefix, as its owner marker says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Marker {
    /// There is no owner marker.
    Missing,
    /// The prefix is the tenant's.
    Own,
    /// The prefix is another's; holds the marker's content.
    Foreign(String),
}

/// A tenant's user compared with its specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserState {
    /// True if the gateway rejects the user's requests.
    pub suspended: bool,
    /// True if operation mask and bucket limit match the specification.
    pub matches_spec: bool,
    /// True if the user's secret key is the one in the Secret.
    pub key_is_current: bool,
    /// The user's policy, if it has one.
    pub policy: Option<Policy>,
    /// Keys, subusers, capabilities and policies that the user must not have.
    pub extras: Vec<Extra>,
}

impl UserState {
    /// Compares the user with the specification and with the credential in the Secret.
    pub fn new(
        tenant: TenantId,
        bucket: &str,
        user: User,
        credential: Option<&Credential>,
    ) -> Self {
        let own_key = tenant.object_store_access_key();
        let key_is_current = credential.is_some_and(|credential| {
            user.keys.get(&own_key) == Some(&credential.password.sha256())
        });
        let policy = user.policies.get(policy::NAME).map(|document| {
            let found: Option<serde_json::Value> = serde_json::from_str(document).ok();
            Rights::ALL
                .into_iter()
                .find(|rights| Some(policy::document(*rights, bucket, tenant)) == found)
                .map_or(Policy::Unknown, Policy::Grants)
        });
        let keys = user.keys.into_keys().filter(|key| *key != own_key);
        let policies = user.policies.into_keys();
        let policies = policies.filter(|name| name != policy::NAME);
        let extras = user
            .subusers
            .into_iter()
            .map(Extra::Subuser)
            .chain(keys.map(Extra::Key))
            .chain(user.capabilities.into_iter().map(Extra::Capability))
            .chain(policies.map(Extra::Policy))
            .collect();
        Self {
            suspended: user.suspended,
            matches_spec: user.matches_spec,
            key_is_current,
            policy,
            extras,
        }
    }
}

/// The policy of a tenant's user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// A policy that the operator writes.
    Grants(Rights),
    /// Another document under the policy's name.
    Unknown,
}

/// Something that a tenant's user has and must not have, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extra {
    /// A second access key.
    Key(String),
    /// A subuser.
    Subuser(String),
    /// A right to the admin API.
    Capability(String),
    /// A second policy.
    Policy(String),
}

impl fmt::Display for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, "access key {key}"),
            Self::Subuser(name) => write!(f, "subuser {name}"),
            Self::Capability(cap) => write!(f, "capability {cap}"),
            Self::Policy(name) => write!(f, "policy {name}"),
        }
    }
}

/// A change to the object store. Every step is idempotent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Create or repair the tenant's Secret.
    WriteCredential,
    /// Block public access to the bucket.
    ProtectBucket,
    /// Write the owner marker of the prefix.
    WriteMarker,
    /// Create the user, without any right.
    CreateUser,
    /// Reset the user's operation mask and bucket limit.
    RepairUser,
    /// Remove something that the user must not have.
    Remove(Extra),
    /// Set the Secret's key on the user.
    SetKey,
    /// End the user's suspension.
    Resume,
    /// Grant the user exactly these rights.
    PutPolicy(Rights),
    /// Revoke the right to write from a user that had it: storage is over its limit.
    DenyGrowth,
    /// Suspend the user.
    Suspend,
    /// Delete the user's policy.
    DeletePolicy,
    /// Delete these objects and uploads.
    Delete(Batch),
    /// Delete the owner marker of the prefix.
    DeleteMarker(Vec<Version>),
    /// Delete the user.
    DeleteUser,
}

/// Objects and uploads that one step of a purge deletes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Versions of objects.
    pub objects: Vec<Version>,
    /// Unfinished multipart uploads.
    pub uploads: Vec<Upload>,
    /// Number of objects and uploads on the page from which the batch is taken.
    pub total: usize,
    /// True if another page follows.
    pub more: bool,
}

impl Batch {
    /// Returns the number of objects and uploads in the batch.
    pub fn count(&self) -> usize {
        self.objects.len() + self.uploads.len()
    }
}

impl fmt::Display for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.more { "more than " } else { "" };
        write!(f, "delete {} of {more}{} objects", self.count(), self.total)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WriteCredential => "write Secret akili-object-store",
            Self::ProtectBucket => "block public access to the bucket",
            Self::WriteMarker => "write the owner marker of the prefix",
            Self::CreateUser => "create the object store's user",
            Self::RepairUser => "repair the object store's user",
            Self::Remove(extra) => return write!(f, "remove {extra} from the object store's user"),
            Self::SetKey => "set the key of the object store's user from the Secret",
            Self::Resume => "resume the object store's user",
            Self::PutPolicy(Rights::ReadWrite) => "allow reading and writing objects",
            Self::PutPolicy(Rights::ReadDelete) => "allow reading and deleting objects",
            Self::DenyGrowth => {
                "allow only reading and deleting objects: storage is over its limit"
            }
            Self::PutPolicy(Rights::ReadOnly) => "allow only reading objects",
            Self::Suspend => "suspend the object store's user",
            Self::DeletePolicy => "delete the policy of the object store's user",
            Self::Delete(batch) => return write!(f, "{batch}"),
            Self::DeleteMarker(_) => "delete the owner marker of the prefix",
            Self::DeleteUser => "delete the object store's user",
        })
    }
}

/// Position in a listing: after this key, and after this version, upload or part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// An object's key.
    pub key: String,
    /// Id of the version or upload, or number of the part; empty if only the key counts.
    pub id: String,
}

/// A page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// Entries of the page.
    pub items: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

/// Size of one version of an object, or of one part of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    /// The object's key.
    pub key: String,
    /// Number of bytes.
    pub bytes: i64,
}
