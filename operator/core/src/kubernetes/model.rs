//! Types of the Kubernetes plane: the objects that exist for a tenant, and the steps that
//! change them.

use std::fmt;
use std::hash::{Hash, Hasher};

use akili_crds::Phase;
use akili_crds::names::LABEL_STATE;
use jiff::Timestamp;
use kube::core::{ApiResource, DynamicObject};
use serde_json::Value;

use crate::Effect;

/// Kind, namespace and name of an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObjectRef {
    /// Kind of the object, with its API group and version.
    pub resource: ApiResource,
    /// Namespace of the object; `None` if the object is cluster-scoped.
    pub namespace: Option<String>,
    /// Name of the object.
    pub name: String,
}

/// Desired content of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The object.
    pub object: ObjectRef,
    /// Fields that the operator owns, with `apiVersion`, `kind` and `metadata`; all other
    /// fields belong to others.
    pub fields: Value,
    /// JSON pointers to fields that must not exist.
    pub forbidden: Vec<&'static str>,
}

impl Manifest {
    /// Returns whether the object grants access to the tenant's users: a binding of the
    /// tenant's group, or the namespace with the state ACTIVE, which admission checks.
    fn grants_access(&self) -> bool {
        let active = self.fields["metadata"]["labels"][LABEL_STATE] == Phase::Active.as_str();
        active || self.fields["subjects"][0]["kind"] == "Group"
    }
}

/// Objects of a tenant that exist.
#[derive(Clone, Debug)]
pub struct Held(pub Vec<(ObjectRef, DynamicObject)>);

/// Hashes labels and the fields that somebody wrote, but no other metadata and no status,
/// which the cluster changes by itself.
impl Hash for Held {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for (object, content) in &self.0 {
            object.hash(state);
            content.metadata.labels.hash(state);
            let mut fields = content.data.clone();
            fields["status"].take();
            fields.to_string().hash(state);
        }
    }
}

/// Objects of a tenant that exist, and the time of the observation.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The objects that exist.
    pub objects: Vec<(ObjectRef, DynamicObject)>,
    /// Time of the observation.
    pub at: Timestamp,
}

impl Observed {
    /// Returns the content of the object, if it exists.
    pub fn find(&self, object: &ObjectRef) -> Option<&DynamicObject> {
        self.objects
            .iter()
            .find(|(other, _)| other == object)
            .map(|(_, content)| content)
    }
}

impl Default for Observed {
    fn default() -> Self {
        Self {
            objects: vec![],
            at: Timestamp::UNIX_EPOCH,
        }
    }
}

/// A change to the cluster. Every step is idempotent.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Create the object, or set its fields.
    Apply(Manifest),
    /// Delete the object.
    Delete(ObjectRef),
    /// Delete the object and create it again, because a field that differs is immutable, or
    /// because another field manager owns a forbidden field.
    Replace(Manifest),
    /// Wait until the controller manager has counted the quota's usage.
    AwaitQuota,
    /// Wait until the object, which is being deleted, no longer exists.
    AwaitDeletion(ObjectRef),
}

impl Step {
    /// Returns the step's effect on the access of the tenant's users.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Apply(manifest) | Self::Replace(manifest) if manifest.grants_access() => {
                Effect::Opens
            }
            Self::Delete(_) => Effect::Closes,
            Self::Apply(_) | Self::Replace(_) | Self::AwaitQuota | Self::AwaitDeletion(_) => {
                Effect::Neutral
            }
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verb, object) = match self {
            Self::Apply(manifest) => ("apply", &manifest.object),
            Self::Replace(manifest) => ("replace", &manifest.object),
            Self::Delete(object) => ("delete", object),
            Self::AwaitQuota => return f.write_str("wait for the usage of ResourceQuota akili"),
            Self::AwaitDeletion(object) => ("wait for the deletion of", object),
        };
        write!(f, "{verb} {} {}", object.resource.kind, object.name)
    }
}
