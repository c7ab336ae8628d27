//! State of StarRocks for one tenant's resource group, and the steps that change it. Pure.

use std::collections::BTreeSet;
use std::fmt;

use super::size::{Limits, Nodes};

/// Everything that the diff of one tenant needs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Observed {
    /// Nodes that run queries.
    pub nodes: Nodes,
    /// The tenant's group, if it exists.
    pub group: Option<Group>,
}

/// A resource group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    /// Limits of its queries; `None` if it is limited in another way.
    pub limits: Option<Limits>,
    /// Rules that assign queries to the group.
    pub classifiers: BTreeSet<Classifier>,
}

/// A rule that assigns queries to a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Classifier {
    pub id: u64,
    /// Conditions as StarRocks shows them, such as `user=tenant_1`.
    pub conditions: String,
}

/// A change in StarRocks. Every step is idempotent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Creates the group, with these limits, for the queries of the tenant's user.
    Create(Limits),
    /// Changes the group's limits.
    Limit(Limits),
    /// Adds the classifier of the tenant's user.
    Classify,
    /// Drops classifiers.
    DropClassifiers(BTreeSet<Classifier>),
    DropGroup,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(limits) => write!(f, "create the resource group with {limits}"),
            Self::Limit(limits) => write!(f, "change the resource group to {limits}"),
            Self::Classify => f.write_str("add the classifier of the tenant's user"),
            Self::DropClassifiers(classifiers) => {
                let conditions = classifiers.iter().map(|it| it.conditions.as_str());
                let conditions = conditions.collect::<Vec<_>>().join("; ");
                write!(f, "drop the classifiers of {conditions}")
            }
            Self::DropGroup => f.write_str("drop the resource group"),
        }
    }
}
