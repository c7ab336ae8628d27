//! What one role or user was granted.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Object, Privilege};

/// Privileges on one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// The object.
    pub object: Object,
    /// What is granted on it.
    pub privileges: BTreeSet<Privilege>,
    /// Whether it may be handed on.
    pub grantable: bool,
}

/// What one role or user was granted, object by object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants(Vec<Granted>);

impl Grants {
    /// Adds privileges.
    pub fn add(&mut self, object: &Object, privileges: &BTreeSet<Privilege>, grantable: bool) {
        let same = |it: &&mut Granted| it.object == *object && it.grantable == grantable;
        match self.0.iter_mut().find(same) {
            Some(granted) => granted.privileges.extend(privileges),
            None => self.0.push(Granted {
                object: object.clone(),
                privileges: privileges.clone(),
                grantable,
            }),
        }
    }

    /// Takes privileges away that were granted on this very object; what was never
    /// granted isn't missed.
    pub fn remove(&mut self, object: &Object, privileges: &BTreeSet<Privilege>) {
        for granted in self
            .0
            .iter_mut()
            .filter(|granted| granted.object == *object)
        {
            granted
                .privileges
                .retain(|privilege| !privileges.contains(privilege));
        }
        self.0.retain(|granted| !granted.privileges.is_empty());
    }

    /// Takes away what was granted on objects that are no more.
    pub fn forget(&mut self, is_gone: impl Fn(&Object) -> bool) {
        self.0.retain(|granted| !is_gone(&granted.object));
    }

    /// Whether the privilege, or any one with `None`, is granted on the object.
    pub fn allow(&self, object: &Object, privilege: Option<Privilege>) -> bool {
        let has = |granted: &Granted| match privilege {
            Some(privilege) => granted.privileges.contains(&privilege),
            None => true,
        };
        self.0
            .iter()
            .any(|granted| granted.object.covers(object) && has(granted))
    }

    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = &Granted> {
        self.0.iter()
    }
}
