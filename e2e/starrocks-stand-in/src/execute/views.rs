//! The views of `sys` that list privileges and roles.

use super::{Execution, Rows};
use crate::{
    privileges::{Grants, Object},
    state::{INTERNAL_CATALOG, Identity},
};

const DATABASE: &str = "sys";
const GRANTS: [&str; 7] = [
    "GRANTEE",
    "OBJECT_CATALOG",
    "OBJECT_DATABASE",
    "OBJECT_NAME",
    "OBJECT_TYPE",
    "PRIVILEGE_TYPE",
    "IS_GRANTABLE",
];

/// Returns whether a database is the one with the views.
pub fn is_views(catalog: &str, database: &str) -> bool {
    catalog == INTERNAL_CATALOG && database == DATABASE
}

impl Execution<'_> {
    /// Returns the rows of a view, or `None` if no view has that name.
    pub(super) fn view(&self, name: &str) -> Option<Rows> {
        match name {
            "role_edges" => Some(self.role_edges()),
            "grants_to_roles" => {
                let mut shown = Rows::new(&GRANTS);
                for (name, role) in &self.state.roles {
                    self.add_grants(&mut shown, name, &role.grants);
                }
                Some(shown)
            }
            "grants_to_users" => {
                let mut shown = Rows::new(&GRANTS);
                let users = self.state.users.iter();
                for (user, account) in users.filter(|(user, _)| **user != Identity::root()) {
                    self.add_grants(&mut shown, &user.to_string(), &account.grants);
                }
                Some(shown)
            }
            _ => None,
        }
    }

    fn role_edges(&self) -> Rows {
        let mut shown = Rows::new(&["FROM_ROLE", "TO_ROLE", "TO_USER"]);
        for (name, role) in &self.state.roles {
            let edge = |from: &String| vec![Some(from.clone()), Some(name.clone()), None];
            shown.rows.extend(role.roles.iter().map(edge));
        }
        for (user, account) in &self.state.users {
            let edge = |from: &String| vec![Some(from.clone()), None, Some(user.to_string())];
            shown.rows.extend(account.roles.iter().map(edge));
        }
        shown
    }

    /// Adds the rows of grants. A grant on all objects of a kind has one row per existing
    /// object.
    fn add_grants(&self, shown: &mut Rows, grantee: &str, grants: &Grants) {
        for granted in grants.iter() {
            let privileges: Vec<_> = granted.privileges.iter().map(|it| it.name()).collect();
            let kind = granted.object.kind();
            let grantable = if granted.grantable { "YES" } else { "NO" };
            for [catalog, database, name] in self.objects(&granted.object) {
                let text = |text: &str| Some(text.to_owned());
                let privileges = text(&privileges.join(", "));
                shown.rows.push(vec![
                    text(grantee),
                    catalog,
                    database,
                    name,
                    text(kind),
                    privileges,
                    text(grantable),
                ]);
            }
        }
    }

    fn objects(&self, object: &Object) -> Vec<[Option<String>; 3]> {
        let catalogs = self.state.catalogs.iter();
        match object {
            Object::System => vec![[None, None, None]],
            Object::Group(Some(name)) => vec![[None, None, Some(name.clone())]],
            Object::Group(None) => {
                let groups = self.state.groups.keys();
                groups
                    .map(|name| [None, None, Some(name.clone())])
                    .collect()
            }
            Object::Catalog(_) => {
                let each = catalogs.filter(|(name, _)| object.covers(&Object::catalog(name)));
                each.map(|(name, _)| [Some(name.clone()), None, None])
                    .collect()
            }
            Object::Database { .. } | Object::Table { .. } => {
                let mut objects = Vec::new();
                for (catalog, its) in catalogs {
                    for (database, its) in &its.databases {
                        let of = [Some(catalog.clone()), Some(database.clone())];
                        if object.covers(&Object::database(catalog, database)) {
                            objects.push([of[0].clone(), of[1].clone(), None]);
                        }
                        let is_covered = |table: &&String| {
                            object.covers(&Object::table(catalog, database, table))
                        };
                        let tables = its.tables.keys().filter(is_covered);
                        let row =
                            |name: &String| [of[0].clone(), of[1].clone(), Some(name.clone())];
                        objects.extend(tables.map(row));
                    }
                }
                objects
            }
        }
    }
}
