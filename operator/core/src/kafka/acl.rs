//! ACLs as Kafka shows them.

use std::fmt;

/// A rule that allows or denies a principal an operation on a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Acl {
    pub resource: Resource,
    pub pattern: Pattern,
    /// The resource's name, or its prefix. The cluster's name is `kafka-cluster`.
    pub name: String,
    /// The principal, such as `User:somebody`; `User:*` matches every user.
    pub principal: String,
    /// The client's address; `*` matches every address.
    pub host: String,
    pub operation: Operation,
    pub permission: Permission,
}

/// A resource type. `Unknown` stands for one that librdkafka has no name for: such an ACL
/// can be listed, but neither created nor deleted. The same holds for the enums below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    Topic,
    Group,
    Cluster,
    TransactionalId,
    Unknown,
}

/// Matching of an ACL's name against resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pattern {
    Literal,
    Prefixed,
    Unknown,
}

/// An operation on a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    All,
    Read,
    Write,
    Create,
    Delete,
    Alter,
    Describe,
    ClusterAction,
    DescribeConfigs,
    AlterConfigs,
    IdempotentWrite,
    Unknown,
}

/// Effect of an ACL. `Deny` takes precedence over `Allow`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    Allow,
    Deny,
    Unknown,
}

impl fmt::Display for Acl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            resource,
            pattern,
            name,
            principal,
            host,
            operation,
            permission,
        } = self;
        write!(
            f,
            "{permission:?} {principal} from {host}: {operation:?} on {pattern:?} {resource:?} {name}"
        )
    }
}
