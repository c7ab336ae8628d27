//! Grants of roles and privileges.

use std::collections::BTreeSet;

use super::{Answer, DONE, Execution, Rows};
use crate::{
    error::{SqlError, SqlResult},
    grammar::statement::{Grantee, Target},
    privileges::{Grants, Object, Privilege},
    state::INTERNAL_CATALOG,
};

impl Execution<'_> {
    pub(super) fn grant_roles(&mut self, roles: Vec<String>, to: &Grantee) -> SqlResult<Answer> {
        self.check_roles(&roles, to)?;
        if let Grantee::Role(name) = to
            && roles.iter().any(|role| role == name)
        {
            let message = format!("role {name} can't be granted to itself");
            return Err(SqlError::general(message));
        }
        self.roles_of(to)?.extend(roles);
        DONE
    }

    pub(super) fn revoke_roles(&mut self, roles: &[String], from: &Grantee) -> SqlResult<Answer> {
        self.check_roles(roles, from)?;
        self.roles_of(from)?.retain(|role| !roles.contains(role));
        DONE
    }

    pub(super) fn grant_privileges(
        &mut self,
        privileges: &[Privilege],
        on: Vec<Target>,
        to: &Grantee,
        grantable: bool,
    ) -> SqlResult<Answer> {
        let granted = self.resolve(privileges, on, to)?;
        let grants = self.grants_of(to)?;
        for (object, privileges) in granted {
            grants.add(&object, &privileges, grantable);
        }
        DONE
    }

    pub(super) fn revoke_privileges(
        &mut self,
        privileges: &[Privilege],
        on: Vec<Target>,
        from: &Grantee,
    ) -> SqlResult<Answer> {
        let revoked = self.resolve(privileges, on, from)?;
        let grants = self.grants_of(from)?;
        for (object, privileges) in revoked {
            grants.remove(&object, &privileges);
        }
        DONE
    }

    pub(super) fn show_grants(&self, of: Option<Grantee>) -> SqlResult<Answer> {
        let me = Grantee::User(self.session.user.clone());
        let of = of.unwrap_or_else(|| me.clone());
        let is_mine = match &of {
            Grantee::User(_) => of == me,
            Grantee::Role(name) => self.active_roles().contains(name),
        };
        if !is_mine {
            self.require(Privilege::Grant, &Object::System)?;
        }
        self.check_grantee(&of)?;
        let (column, name, whom) = match &of {
            Grantee::User(user) => ("UserIdentity", user.to_string(), format!("USER {user}")),
            Grantee::Role(role) => ("RoleName", role.clone(), format!("ROLE '{role}'")),
        };
        let (roles, grants) = match &of {
            Grantee::User(user) => self
                .state
                .users
                .get(user)
                .map(|user| (&user.roles, &user.grants)),
            Grantee::Role(role) => self
                .state
                .roles
                .get(role)
                .map(|role| (&role.roles, &role.grants)),
        }
        .ok_or_else(|| SqlError::analysis(format!("cannot find {whom}")))?;

        let mut shown = Rows::new(&[column, "Catalog", "Grants"]);
        if !roles.is_empty() {
            let roles: Vec<_> = roles.iter().map(|role| format!("'{role}'")).collect();
            // Role grants name users without the keyword.
            let to = whom.strip_prefix("USER ").unwrap_or(&whom);
            let line = format!("GRANT {} TO {to}", roles.join(", "));
            shown.rows.push(vec![Some(name.clone()), None, Some(line)]);
        }
        for granted in grants.iter() {
            let privileges: Vec<_> = granted.privileges.iter().map(|it| it.name()).collect();
            let option = if granted.grantable {
                " WITH GRANT OPTION"
            } else {
                ""
            };
            let line = format!(
                "GRANT {} ON {} TO {whom}{option}",
                privileges.join(", "),
                granted.object.in_grant()
            );
            let catalog = granted.object.catalog_name().map(|catalog| match catalog {
                INTERNAL_CATALOG => "default".to_owned(),
                external => external.to_owned(),
            });
            shown
                .rows
                .push(vec![Some(name.clone()), catalog, Some(line)]);
        }
        Ok(Answer::Rows(shown))
    }

    fn check_roles(&self, roles: &[String], grantee: &Grantee) -> SqlResult<()> {
        let only_roots = |role: &String| ["root", "cluster_admin"].contains(&role.as_str());
        if self.session.user.name != "root" && roles.iter().any(only_roots) {
            let message = "Can not grant root or cluster_admin role except root user";
            return Err(SqlError::analysis(message));
        }
        self.require(Privilege::Grant, &Object::System)?;
        self.check_grantee(grantee)?;
        roles
            .iter()
            .try_for_each(|role| self.check_role("Can not granted/revoke role to user", role))
    }

    /// Resolves the objects and privileges of a GRANT or REVOKE in the session's catalog.
    fn resolve(
        &self,
        privileges: &[Privilege],
        on: Vec<Target>,
        grantee: &Grantee,
    ) -> SqlResult<Vec<(Object, BTreeSet<Privilege>)>> {
        self.require(Privilege::Grant, &Object::System)?;
        self.check_grantee(grantee)?;
        let object = |target| {
            let object = self.resolve_object(target)?;
            let privileges = expand(privileges, &object)?;
            Ok((object, privileges))
        };
        on.into_iter().map(object).collect()
    }

    fn resolve_object(&self, target: Target) -> SqlResult<Object> {
        let catalog = self.session.catalog.clone();
        match target {
            Target::Everywhere(object) => {
                match &object {
                    Object::Catalog(Some(name)) => {
                        self.catalog(name)?;
                    }
                    Object::Group(Some(name)) if !self.state.groups.contains_key(name) => {
                        return Err(SqlError::unknown_group(name));
                    }
                    _ => {}
                }
                Ok(object)
            }
            Target::Database(database) => {
                self.check_database(database.as_deref())?;
                Ok(Object::Database { catalog, database })
            }
            Target::Table { database, table } => {
                self.check_database(database.as_deref())?;
                if let (Some(database), Some(table)) = (&database, &table) {
                    self.relation(&catalog, database, table)?;
                }
                Ok(Object::Table {
                    catalog,
                    database,
                    table,
                })
            }
            Target::TableHere(table) => {
                let database = self
                    .session
                    .database
                    .clone()
                    .ok_or_else(SqlError::no_database)?;
                self.relation(&catalog, &database, &table)?;
                Ok(Object::table(&catalog, &database, &table))
            }
        }
    }

    fn check_database(&self, database: Option<&str>) -> SqlResult<()> {
        match database {
            Some(database) if !super::views::is_views(&self.session.catalog, database) => {
                self.database(&self.session.catalog, database).map(drop)
            }
            _ => Ok(()),
        }
    }

    fn grants_of(&mut self, grantee: &Grantee) -> SqlResult<&mut Grants> {
        match grantee {
            Grantee::User(user) => Ok(&mut self.user(user)?.grants),
            Grantee::Role(name) => match self.state.roles.get_mut(name) {
                Some(role) if is_mutable(name) => Ok(&mut role.grants),
                _ => Err(SqlError::general(format!("role {name} is not mutable"))),
            },
        }
    }

    fn roles_of(&mut self, grantee: &Grantee) -> SqlResult<&mut BTreeSet<String>> {
        match grantee {
            Grantee::User(user) => Ok(&mut self.user(user)?.roles),
            Grantee::Role(name) => match self.state.roles.get_mut(name) {
                Some(role) if is_mutable(name) => Ok(&mut role.roles),
                _ => Err(SqlError::general(format!("role {name} is not mutable"))),
            },
        }
    }
}

fn is_mutable(role: &str) -> bool {
    !["root", "db_admin", "cluster_admin", "user_admin"].contains(&role)
}

/// Expands ALL; returns an error for a privilege that the object doesn't have.
fn expand(privileges: &[Privilege], object: &Object) -> SqlResult<BTreeSet<Privilege>> {
    let available = object.grantable();
    let mut expanded = BTreeSet::new();
    for privilege in privileges {
        match privilege {
            Privilege::All => expanded.extend(available),
            privilege if available.contains(privilege) => {
                expanded.insert(*privilege);
            }
            _ => {
                return Err(SqlError::analysis(format!(
                    "Cannot grant or revoke {} on '{}' type object",
                    privilege.name(),
                    object.kind()
                )));
            }
        }
    }
    Ok(expanded)
}
