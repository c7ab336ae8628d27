//! State of Kafka for one tenant, and the steps that change it. Pure.

use std::collections::BTreeSet;
use std::fmt;

use super::acl::Acl;
use super::acls::Summary;
use super::scram::{Mechanism, ScramCredential};
use super::settings::Topic;
use crate::Credential;

/// A tenant's objects as bulk requests show them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Held {
    /// All ACLs of the tenant's principal, on any resource.
    pub acls: BTreeSet<Acl>,
    /// SCRAM credentials of the tenant's user.
    pub logins: BTreeSet<ScramCredential>,
    /// Existing base topics, without the prefix. Other topics come and go.
    pub topics: BTreeSet<String>,
}

impl Held {
    /// Returns whether anything exists that only the operator creates.
    pub fn has_marks(&self) -> bool {
        !self.acls.is_empty() || !self.logins.is_empty()
    }
}

/// Everything that the diff of one tenant needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    pub held: Held,
    /// Owner of the topics with the tenant's prefix.
    pub topics: Ownership,
    /// Content of the tenant's Secret, if it exists.
    pub credential: Option<Credential>,
    /// Topics and groups with the tenant's prefix; observed only for a purge.
    pub prefixed: Prefixed,
}

/// Topics and consumer groups with a tenant's prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prefixed {
    pub topics: BTreeSet<String>,
    pub groups: BTreeSet<String>,
}

/// Owner of the topics with a tenant's prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// The tenant, no matter who created them.
    Claimed,
    /// Nobody: no such topic exists, and the tenant has nothing in Kafka.
    Free,
    /// Somebody else: these topics existed before the tenant.
    Foreign(Vec<String>),
}

/// A change in Kafka. Every step is idempotent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Records the tenant as owner of the topics with its prefix, before it has any.
    Claim,
    /// Creates DENY ACLs.
    Deny(BTreeSet<Acl>),
    /// Deletes ALLOW ACLs.
    Withdraw(BTreeSet<Acl>),
    /// Deletes the SCRAM credential of this mechanism.
    DeleteLogin(Mechanism),
    /// Creates or completes the tenant's Secret.
    WriteCredential,
    /// Sets the Secret's password.
    SetPassword,
    /// Creates this base topic.
    CreateTopic(Topic),
    /// Creates ALLOW ACLs.
    Allow(BTreeSet<Acl>),
    /// Deletes DENY ACLs.
    Lift(BTreeSet<Acl>),
    DeleteTopics(Batch),
    DeleteGroups(Batch),
    /// Deletes the ACLs of a principal whose user no longer exists.
    DeleteAcls(BTreeSet<Acl>),
}

/// Names that one step of a purge deletes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub names: BTreeSet<String>,
    /// Number of names before this step.
    pub of: usize,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Claim => f.write_str("claim the topic prefix"),
            Self::Deny(acls) => write!(f, "create DENY ACLs: {}", Summary(acls)),
            Self::Withdraw(acls) => write!(f, "delete ALLOW ACLs: {}", Summary(acls)),
            Self::DeleteLogin(mechanism) => write!(f, "delete the {mechanism} credential"),
            Self::WriteCredential => f.write_str("write Secret akili-kafka"),
            Self::SetPassword => f.write_str("set the password of Secret akili-kafka"),
            Self::CreateTopic(topic) => write!(f, "create topic {}", topic.name),
            Self::Allow(acls) => write!(f, "create ALLOW ACLs: {}", Summary(acls)),
            Self::Lift(acls) => write!(f, "delete DENY ACLs: {}", Summary(acls)),
            Self::DeleteTopics(Batch { names, of }) => {
                write!(f, "delete {} of {of} topics", names.len())
            }
            Self::DeleteGroups(Batch { names, of }) => {
                write!(f, "delete {} of {of} consumer groups", names.len())
            }
            Self::DeleteAcls(acls) => write!(f, "delete ACLs: {}", Summary(acls)),
        }
    }
}
