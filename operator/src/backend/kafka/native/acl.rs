//! ACLs: who may, or must not, do what.

use std::fmt;

use rdkafka_sys::rd_kafka_AclOperation_t as NativeOperation;
use rdkafka_sys::rd_kafka_AclPermissionType_t as NativePermission;
use rdkafka_sys::rd_kafka_ResourcePatternType_t as NativePattern;
use rdkafka_sys::rd_kafka_ResourceType_t as NativeResource;

/// One ACL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Acl {
    /// What it is about.
    pub resource: Resource,
    /// How its name is meant.
    pub pattern: Pattern,
    /// The name, or what it begins with. A cluster's is `kafka-cluster`.
    pub name: String,
    /// Who, such as `User:somebody`; `User:*` is everybody.
    pub principal: String,
    /// From which address; `*` is every one.
    pub host: String,
    /// Which operation.
    pub operation: Operation,
    /// Whether it may be done.
    pub permission: Permission,
}

/// What an ACL is about. `Unknown` is one that librdkafka has no name for; it can be
/// seen, but neither created nor deleted. The same goes for the other enums here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the words are Kafka's own")]
pub enum Resource {
    Topic,
    Group,
    Cluster,
    TransactionalId,
    Unknown,
}

/// How an ACL's name is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the words are Kafka's own")]
pub enum Pattern {
    Literal,
    Prefixed,
    Unknown,
}

/// What an ACL lets somebody do, or doesn't.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the words are Kafka's own")]
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

/// Whether it may be done. `Deny` beats `Allow`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the words are Kafka's own")]
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

impl Resource {
    pub(super) fn native(self) -> NativeResource {
        match self {
            Self::Topic => NativeResource::RD_KAFKA_RESOURCE_TOPIC,
            Self::Group => NativeResource::RD_KAFKA_RESOURCE_GROUP,
            // The protocol has one number for both.
            Self::Cluster => NativeResource::RD_KAFKA_RESOURCE_BROKER,
            Self::TransactionalId => NativeResource::RD_KAFKA_RESOURCE_TRANSACTIONAL_ID,
            Self::Unknown => NativeResource::RD_KAFKA_RESOURCE_UNKNOWN,
        }
    }

    pub(super) fn of(native: NativeResource) -> Self {
        match native {
            NativeResource::RD_KAFKA_RESOURCE_TOPIC => Self::Topic,
            NativeResource::RD_KAFKA_RESOURCE_GROUP => Self::Group,
            NativeResource::RD_KAFKA_RESOURCE_BROKER => Self::Cluster,
            NativeResource::RD_KAFKA_RESOURCE_TRANSACTIONAL_ID => Self::TransactionalId,
            _ => Self::Unknown,
        }
    }
}

impl Pattern {
    pub(super) fn native(self) -> NativePattern {
        match self {
            Self::Literal => NativePattern::RD_KAFKA_RESOURCE_PATTERN_LITERAL,
            Self::Prefixed => NativePattern::RD_KAFKA_RESOURCE_PATTERN_PREFIXED,
            Self::Unknown => NativePattern::RD_KAFKA_RESOURCE_PATTERN_UNKNOWN,
        }
    }

    pub(super) fn of(native: NativePattern) -> Self {
        match native {
            NativePattern::RD_KAFKA_RESOURCE_PATTERN_LITERAL => Self::Literal,
            NativePattern::RD_KAFKA_RESOURCE_PATTERN_PREFIXED => Self::Prefixed,
            _ => Self::Unknown,
        }
    }
}

impl Operation {
    pub(super) fn native(self) -> NativeOperation {
        match self {
            Self::All => NativeOperation::RD_KAFKA_ACL_OPERATION_ALL,
            Self::Read => NativeOperation::RD_KAFKA_ACL_OPERATION_READ,
            Self::Write => NativeOperation::RD_KAFKA_ACL_OPERATION_WRITE,
            Self::Create => NativeOperation::RD_KAFKA_ACL_OPERATION_CREATE,
            Self::Delete => NativeOperation::RD_KAFKA_ACL_OPERATION_DELETE,
            Self::Alter => NativeOperation::RD_KAFKA_ACL_OPERATION_ALTER,
            Self::Describe => NativeOperation::RD_KAFKA_ACL_OPERATION_DESCRIBE,
            Self::ClusterAction => NativeOperation::RD_KAFKA_ACL_OPERATION_CLUSTER_ACTION,
            Self::DescribeConfigs => NativeOperation::RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS,
            Self::AlterConfigs => NativeOperation::RD_KAFKA_ACL_OPERATION_ALTER_CONFIGS,
            Self::IdempotentWrite => NativeOperation::RD_KAFKA_ACL_OPERATION_IDEMPOTENT_WRITE,
            Self::Unknown => NativeOperation::RD_KAFKA_ACL_OPERATION_UNKNOWN,
        }
    }

    pub(super) fn of(native: NativeOperation) -> Self {
        match native {
            NativeOperation::RD_KAFKA_ACL_OPERATION_ALL => Self::All,
            NativeOperation::RD_KAFKA_ACL_OPERATION_READ => Self::Read,
            NativeOperation::RD_KAFKA_ACL_OPERATION_WRITE => Self::Write,
            NativeOperation::RD_KAFKA_ACL_OPERATION_CREATE => Self::Create,
            NativeOperation::RD_KAFKA_ACL_OPERATION_DELETE => Self::Delete,
            NativeOperation::RD_KAFKA_ACL_OPERATION_ALTER => Self::Alter,
            NativeOperation::RD_KAFKA_ACL_OPERATION_DESCRIBE => Self::Describe,
            NativeOperation::RD_KAFKA_ACL_OPERATION_CLUSTER_ACTION => Self::ClusterAction,
            NativeOperation::RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS => Self::DescribeConfigs,
            NativeOperation::RD_KAFKA_ACL_OPERATION_ALTER_CONFIGS => Self::AlterConfigs,
            NativeOperation::RD_KAFKA_ACL_OPERATION_IDEMPOTENT_WRITE => Self::IdempotentWrite,
            _ => Self::Unknown,
        }
    }
}

impl Permission {
    pub(super) fn native(self) -> NativePermission {
        match self {
            Self::Allow => NativePermission::RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW,
            Self::Deny => NativePermission::RD_KAFKA_ACL_PERMISSION_TYPE_DENY,
            Self::Unknown => NativePermission::RD_KAFKA_ACL_PERMISSION_TYPE_UNKNOWN,
        }
    }

    pub(super) fn of(native: NativePermission) -> Self {
        match native {
            NativePermission::RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW => Self::Allow,
            NativePermission::RD_KAFKA_ACL_PERMISSION_TYPE_DENY => Self::Deny,
            _ => Self::Unknown,
        }
    }
}
