//! `Tenant`: a customer of the platform.

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::{is_true, types};

/// Desired state of a tenant.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "akili.io",
    version = "v1alpha1",
    kind = "Tenant",
    status = "TenantStatus",
    derive = "PartialEq",
    shortname = "tn",
    category = "akili",
    cel,
    doc = "Tenant of the Akili platform. Its name is the slug; the operator creates its resources in every backend.",
    validation = Rule::new("self.metadata.name.matches('^[a-z][a-z0-9-]{2,62}$')")
        .message("a tenant's name has 3 to 63 characters: lower-case letters, digits and hyphens, beginning with a letter, without a dot"),
    validation = Rule::new("!has(self.spec.id) || !has(self.status) || !has(self.status.id) || self.spec.id == self.status.id")
        .message("spec.id must equal status.id, the id that this tenant already has"),
    printcolumn(name = "Display Name", type_ = "string", json_path = ".spec.displayName"),
    printcolumn(name = "Status", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "ID", type_ = "string", json_path = ".status.id", priority = "1"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason", priority = "1")
)]
#[x_kube(
    validation = Rule::new("oldSelf.state != 'Archived' || self.state == 'Archived'")
        .message("an archived tenant stays archived: spec.state can't leave Archived"),
    validation = Rule::new("!has(oldSelf.id) || (has(self.id) && self.id == oldSelf.id)")
        .message("spec.id can't be changed or removed once it is set"),
)]
#[serde(rename_all = "camelCase")]
pub struct TenantSpec {
    /// Display name: 1 to 200 characters, no control characters.
    #[schemars(length(min = 1, max = 200))]
    #[x_kube(validation = Rule::new("!self.matches('[\\\\x00-\\\\x1f\\\\x7f-\\\\x{9f}]')").message("displayName must not have control characters"))]
    pub display_name: String,

    /// Desired state: Active, Suspended (read-only in every plane) or Archived (no access; data is
    /// kept for the retention, then purged). Archived is permanent.
    #[serde(default)]
    pub state: State,

    /// Time for which the data of an archived tenant is kept before the purge, such as 2160h.
    /// Default: the platform's setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self.matches('^([0-9]+(\\\\.[0-9]+)?(ns|us|ms|s|m|h))+$|^0$') && duration(self) >= duration('0s')").message("retention must be a duration that isn't negative, such as 2160h"))]
    #[schemars(length(max = 64))]
    pub retention: Option<String>,

    /// Id to restore or import a tenant: a lower-case canonical UUID. Can't be changed or removed
    /// once it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self.matches('^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$') && self != '00000000-0000-0000-0000-000000000000'").message("spec.id must be a lower-case canonical UUID that isn't nil"))]
    #[schemars(length(max = 36))]
    pub id: Option<String>,
}

impl Tenant {
    /// Returns the phase that the operator has reached: PROVISIONING without a status.
    pub fn phase(&self) -> Phase {
        let status = self.status.as_ref();
        status
            .and_then(|status| status.phase)
            .unwrap_or(Phase::Provisioning)
    }

    /// Returns true if nothing is left of the tenant in any plane. A purge is permanent.
    pub fn is_purged(&self) -> bool {
        self.has_true(types::PURGED)
    }

    /// Returns true if every plane has reached what `spec.state` wants.
    pub fn is_ready(&self) -> bool {
        self.has_true(types::READY)
    }

    fn has_true(&self, type_: &str) -> bool {
        let status = self.status.as_ref();
        status.is_some_and(|status| is_true(&status.conditions, type_))
    }
}

/// Desired state of a tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum State {
    /// Fully operational.
    #[default]
    Active,
    /// Read-only in every plane.
    Suspended,
    /// No access in any plane; data is kept for the retention, then purged.
    Archived,
}

/// State that every plane has reached. From the freest to the most restrictive: `ACTIVE`,
/// `PROVISIONING`, `SUSPENDED`, `ARCHIVED`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Phase {
    /// Fully operational.
    Active,
    /// Resources are being created; the tenant can't be used.
    Provisioning,
    /// Read-only in every plane.
    Suspended,
    /// No access in any plane.
    Archived,
}

impl Phase {
    /// All phases, in the order of the lifecycle.
    pub const ALL: [Self; 4] = [
        Self::Provisioning,
        Self::Active,
        Self::Suspended,
        Self::Archived,
    ];

    /// Returns the phase as written in status, labels and the registry.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
            Self::Archived => "ARCHIVED",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl From<State> for Phase {
    fn from(state: State) -> Self {
        match state {
            State::Active => Self::Active,
            State::Suspended => Self::Suspended,
            State::Archived => Self::Archived,
        }
    }
}

/// Observed state of a tenant.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantStatus {
    /// Generation of the spec that this status describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Phase: the state that every plane has reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// Id of the tenant, as the registry in PostgreSQL assigned it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Kubernetes namespace of the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Time of the suspension, copied from the registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_at: Option<Time>,
    /// Time of the archiving, copied from the registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<Time>,
    /// Time after which an archived tenant's data is purged, copied from the registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purge_after: Option<Time>,
    /// Time at which the purge was complete, copied from the registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purged_at: Option<Time>,
    /// Names of the tenant's resources in every plane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// Conditions of each plane and of the whole tenant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// Names of the tenant's resources in every plane.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// Names in PostgreSQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres: Option<PostgresNames>,
    /// Names in the object store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_store: Option<ObjectStoreNames>,
    /// Names in Kafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topics: Option<TopicNames>,
    /// Iceberg catalog in StarRocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog: Option<CatalogName>,
    /// Resource group in StarRocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_group: Option<ResourceGroupName>,
}

/// Names in PostgreSQL.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PostgresNames {
    /// Login role.
    pub role: String,
}

/// Names in the object store.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectStoreNames {
    /// Bucket of the platform.
    pub bucket: String,
    /// Prefix of the tenant in the bucket, with the trailing slash.
    pub prefix: String,
    /// User of the tenant.
    pub user: String,
}

/// Names in Kafka.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopicNames {
    /// Prefix of the tenant's topics, consumer groups and transactional ids.
    pub prefix: String,
    /// Principal of the tenant, such as User:tenant-….
    pub principal: String,
}

/// Name of the Iceberg catalog.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CatalogName {
    /// Name of the catalog.
    pub name: String,
}

/// Name of the resource group.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResourceGroupName {
    /// Name of the resource group.
    pub name: String,
}
