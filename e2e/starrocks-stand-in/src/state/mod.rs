//! The stored state of the stand-in.

mod accounts;
mod catalogs;
mod groups;
mod limits;
mod store;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use accounts::{DefaultRoles, Identity, PasswordHash, Role, User};
pub use catalogs::{Catalog, Column, ColumnType, Database, INTERNAL_CATALOG, Table};
pub use groups::{BACKENDS, CORES, Classifier, Group, MEMORY_GB};
pub use limits::Limits;
pub use store::Store;

use super::privileges::{BUILT_IN_ROLES, Grants};

/// Catalogs, roles, users and resource groups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    next_id: u64,
    /// By name, including the internal one.
    pub catalogs: BTreeMap<String, Catalog>,
    /// By name, including the built-in ones.
    pub roles: BTreeMap<String, Role>,
    /// Including `root`.
    pub users: BTreeMap<Identity, User>,
    /// By name, including the built-in ones.
    pub groups: BTreeMap<String, Group>,
}

impl State {
    /// Returns the state of a new cluster, with `root` as its only user.
    pub fn new(root_password: &str) -> Self {
        let roles = BUILT_IN_ROLES.map(|name| (name.to_owned(), Role::default()));
        let root = User {
            password: Some(PasswordHash::of(root_password)),
            roles: ["root".to_owned()].into(),
            default_roles: DefaultRoles::All,
            grants: Grants::default(),
        };
        Self {
            next_id: 10_000,
            catalogs: BTreeMap::from([(INTERNAL_CATALOG.to_owned(), Catalog::internal())]),
            roles: BTreeMap::from(roles),
            users: BTreeMap::from([(Identity::root(), root)]),
            groups: Group::built_in(),
        }
    }

    /// Returns a new, unused id.
    pub fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Returns the grants of all roles and users.
    pub fn all_grants(&mut self) -> impl Iterator<Item = &mut Grants> {
        let roles = self.roles.values_mut().map(|role| &mut role.grants);
        roles.chain(self.users.values_mut().map(|user| &mut user.grants))
    }
}
