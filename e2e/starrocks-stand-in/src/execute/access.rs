//! Authorization: grants of the session's user and of its active roles.

use std::collections::BTreeSet;

use super::Execution;
use crate::{
    error::{SqlError, SqlResult},
    privileges::{Object, Privilege, built_in_allows},
    state::INTERNAL_CATALOG,
};

impl Execution<'_> {
    /// Returns an error unless the session has the privilege.
    pub(super) fn require(&self, privilege: Privilege, on: &Object) -> SqlResult<()> {
        match self.may(privilege, on) {
            true => Ok(()),
            false => Err(self.denied(privilege.name(), on)),
        }
    }

    /// Returns an error unless the session has any privilege on the object.
    pub(super) fn require_any(&self, on: &Object) -> SqlResult<()> {
        match self.allowed(on, None) {
            true => Ok(()),
            false => Err(self.denied("ANY", on)),
        }
    }

    /// Returns an error unless the session may operate the cluster.
    pub(super) fn require_operate_or_node(&self) -> SqlResult<()> {
        let system = Object::System;
        match self.may(Privilege::Operate, &system) || self.may(Privilege::Node, &system) {
            true => Ok(()),
            false => Err(self.denied("OPERATE OR NODE", &system)),
        }
    }

    /// Returns whether the session has the privilege.
    pub(super) fn may(&self, privilege: Privilege, on: &Object) -> bool {
        self.allowed(on, Some(privilege))
    }

    /// Returns whether the session sees a catalog.
    pub(super) fn sees_catalog(&self, name: &str) -> bool {
        name == INTERNAL_CATALOG || self.allowed(&Object::catalog(name), None)
    }

    /// Returns whether the session sees a database: any privilege on the database or a
    /// table of it.
    pub(super) fn sees_database(&self, catalog: &str, database: &str) -> bool {
        let in_database = |object: &Object| match object {
            Object::Table {
                catalog: of,
                database: its,
                ..
            } => of == catalog && its.as_deref().is_none_or(|its| its == database),
            _ => false,
        };
        self.allowed(&Object::database(catalog, database), None)
            || self.allowed(&Object::table(catalog, database, ""), None)
            || self
                .all_grants()
                .any(|grants| grants.iter().any(|it| in_database(&it.object)))
    }

    /// Returns the error, with the session's active and inactive roles.
    pub(super) fn denied(&self, privilege: &str, on: &Object) -> SqlError {
        let user = self.state.users.get(&self.session.user);
        let all = user.map(|user| user.roles.clone()).unwrap_or_default();
        let active: Vec<_> = self.session.roles.intersection(&all).cloned().collect();
        let inactive: Vec<_> = all.difference(&self.session.roles).cloned().collect();
        SqlError::denied(privilege, &on.shown(), &active, &inactive)
    }

    /// Returns the active roles and the roles granted to them. A role that was revoked
    /// from the user no longer counts.
    pub(super) fn active_roles(&self) -> BTreeSet<String> {
        let Some(user) = self.state.users.get(&self.session.user) else {
            return BTreeSet::new();
        };
        let mut open: Vec<_> = self
            .session
            .roles
            .intersection(&user.roles)
            .cloned()
            .collect();
        open.push("public".to_owned());
        let mut roles = BTreeSet::new();
        while let Some(name) = open.pop() {
            if let Some(role) = self.state.roles.get(&name) {
                open.extend(role.roles.difference(&roles).cloned());
                roles.insert(name);
            }
        }
        roles
    }

    fn allowed(&self, on: &Object, privilege: Option<Privilege>) -> bool {
        let built_in = |role: &String| built_in_allows(role, on, privilege);
        self.active_roles().iter().any(built_in)
            || self.all_grants().any(|grants| grants.allow(on, privilege))
    }

    fn all_grants(&self) -> impl Iterator<Item = &crate::privileges::Grants> {
        let user = self
            .state
            .users
            .get(&self.session.user)
            .map(|user| &user.grants);
        let roles = self.active_roles();
        let of_roles = self
            .state
            .roles
            .iter()
            .filter(move |(name, _)| roles.contains(*name));
        user.into_iter()
            .chain(of_roles.map(|(_, role)| &role.grants))
    }
}
