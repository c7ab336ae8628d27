//! Conversion of the enums of an ACL to and from librdkafka's.

use rdkafka_sys::rd_kafka_AclOperation_t as NativeOperation;
use rdkafka_sys::rd_kafka_AclPermissionType_t as NativePermission;
use rdkafka_sys::rd_kafka_ResourcePatternType_t as NativePattern;
use rdkafka_sys::rd_kafka_ResourceType_t as NativeResource;

use akili_core::kafka::acl::{Operation, Pattern, Permission, Resource};

/// Conversion to and from librdkafka's enum.
pub trait Native {
    /// librdkafka's enum.
    type Native;

    fn to_native(self) -> Self::Native;

    /// Returns `Unknown` for a value that this crate has no name for.
    fn from_native(native: Self::Native) -> Self;
}

impl Native for Resource {
    type Native = NativeResource;

    fn to_native(self) -> NativeResource {
        match self {
            Self::Topic => NativeResource::RD_KAFKA_RESOURCE_TOPIC,
            Self::Group => NativeResource::RD_KAFKA_RESOURCE_GROUP,
            // The protocol has one number for both.
            Self::Cluster => NativeResource::RD_KAFKA_RESOURCE_BROKER,
            Self::TransactionalId => NativeResource::RD_KAFKA_RESOURCE_TRANSACTIONAL_ID,
            Self::Unknown => NativeResource::RD_KAFKA_RESOURCE_UNKNOWN,
        }
    }

    fn from_native(native: NativeResource) -> Self {
        match native {
            NativeResource::RD_KAFKA_RESOURCE_TOPIC => Self::Topic,
            NativeResource::RD_KAFKA_RESOURCE_GROUP => Self::Group,
            NativeResource::RD_KAFKA_RESOURCE_BROKER => Self::Cluster,
            NativeResource::RD_KAFKA_RESOURCE_TRANSACTIONAL_ID => Self::TransactionalId,
            _ => Self::Unknown,
        }
    }
}

impl Native for Pattern {
    type Native = NativePattern;

    fn to_native(self) -> NativePattern {
        match self {
            Self::Literal => NativePattern::RD_KAFKA_RESOURCE_PATTERN_LITERAL,
            Self::Prefixed => NativePattern::RD_KAFKA_RESOURCE_PATTERN_PREFIXED,
            Self::Unknown => NativePattern::RD_KAFKA_RESOURCE_PATTERN_UNKNOWN,
        }
    }

    fn from_native(native: NativePattern) -> Self {
        match native {
            NativePattern::RD_KAFKA_RESOURCE_PATTERN_LITERAL => Self::Literal,
            NativePattern::RD_KAFKA_RESOURCE_PATTERN_PREFIXED => Self::Prefixed,
            _ => Self::Unknown,
        }
    }
}

impl Native for Operation {
    type Native = NativeOperation;

    fn to_native(self) -> NativeOperation {
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

    fn from_native(native: NativeOperation) -> Self {
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

impl Native for Permission {
    type Native = NativePermission;

    fn to_native(self) -> NativePermission {
        match self {
            Self::Allow => NativePermission::RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW,
            Self::Deny => NativePermission::RD_KAFKA_ACL_PERMISSION_TYPE_DENY,
            Self::Unknown => NativePermission::RD_KAFKA_ACL_PERMISSION_TYPE_UNKNOWN,
        }
    }

    fn from_native(native: NativePermission) -> Self {
        match native {
            NativePermission::RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW => Self::Allow,
            NativePermission::RD_KAFKA_ACL_PERMISSION_TYPE_DENY => Self::Deny,
            _ => Self::Unknown,
        }
    }
}
