//! Grants of a role or user.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Object, Privilege};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    pub object: Object,
    pub privileges: BTreeSet<Privilege>,
    /// Granted with GRANT OPTION.
    pub grantable: bool,
}

/// Grants of a role or user, by object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants(Vec<Granted>);

impl Grants {
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

    /// Revokes privileges that were granted on exactly this object; succeeds if they
    /// weren't granted.
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

    /// Removes the grants on dropped objects.
    pub fn remove_dropped(&mut self, is_dropped: impl Fn(&Object) -> bool) {
        self.0.retain(|granted| !is_dropped(&granted.object));
    }

    /// Returns whether the privilege (with `None`: any privilege) is granted on the
    /// object.
    pub fn allow(&self, object: &Object, privilege: Option<Privilege>) -> bool {
        let has = |granted: &Granted| match privilege {
            Some(privilege) => granted.privileges.contains(&privilege),
            None => true,
        };
        self.0
            .iter()
            .any(|granted| granted.object.covers(object) && has(granted))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Granted> {
        self.0.iter()
    }
}
