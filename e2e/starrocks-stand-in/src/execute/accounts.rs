//! Users and roles.

use std::collections::BTreeSet;

use super::{Answer, DONE, Execution, Rows, catalogs::is_common_name};
use crate::{
    error::{SqlError, SqlResult},
    grammar::statement::{Grantee, Password, Roles},
    privileges::{BUILT_IN_ROLES, Grants, Object, Privilege},
    state::{DefaultRoles, Identity, PasswordHash, User},
};

impl Execution<'_> {
    pub(super) fn create_roles(
        &mut self,
        names: Vec<String>,
        if_not_exists: bool,
    ) -> SqlResult<Answer> {
        self.require(Privilege::Grant, &Object::System)?;
        for name in &names {
            if !is_common_name(name) {
                return Err(SqlError::analysis(format!("invalid role format: {name}")));
            }
            if self.state.roles.contains_key(name) && !if_not_exists {
                let message =
                    format!("Operation CREATE ROLE failed for {name} : role already exists");
                return Err(SqlError::analysis(message));
            }
        }
        for name in names {
            self.state.roles.entry(name).or_default();
        }
        DONE
    }

    pub(super) fn drop_roles(&mut self, names: &[String], if_exists: bool) -> SqlResult<Answer> {
        self.require(Privilege::Grant, &Object::System)?;
        for name in names {
            if BUILT_IN_ROLES.contains(&name.as_str()) {
                let message = format!("failed to drop role {name}: role {name} is not mutable");
                return Err(SqlError::general(message));
            }
            if !self.state.roles.contains_key(name) && !if_exists {
                let message = format!("Operation DROP ROLE failed for {name} : role not exists");
                return Err(SqlError::analysis(message));
            }
        }
        for name in names {
            self.state.roles.remove(name);
            for user in self.state.users.values_mut() {
                user.roles.remove(name);
            }
            for role in self.state.roles.values_mut() {
                role.roles.remove(name);
            }
        }
        DONE
    }

    pub(super) fn create_user(
        &mut self,
        user: Identity,
        if_not_exists: bool,
        password: Option<Password>,
        default_roles: Vec<String>,
    ) -> SqlResult<Answer> {
        self.require(Privilege::Grant, &Object::System)?;
        check_user_name(&user.name)?;
        let password = password.as_ref().map(hash).transpose()?;
        for role in &default_roles {
            self.check_role("Can not granted/revoke role to user", role)?;
        }
        if self.state.users.contains_key(&user) {
            let message = format!("Operation CREATE USER failed for {user} : user already exists");
            return if if_not_exists {
                DONE
            } else {
                Err(SqlError::analysis(message))
            };
        }
        let roles = BTreeSet::from_iter(default_roles);
        let default_roles = DefaultRoles::These(roles.clone());
        let grants = Grants::default();
        self.state.users.insert(
            user,
            User {
                password,
                roles,
                default_roles,
                grants,
            },
        );
        DONE
    }

    pub(super) fn alter_user(
        &mut self,
        user: &Identity,
        if_exists: bool,
        password: Option<Password>,
        default_roles: Option<Roles>,
    ) -> SqlResult<Answer> {
        self.require(Privilege::Grant, &Object::System)?;
        if *user == Identity::root() && self.session.user != *user {
            let message = "Can not modify root user, except root itself";
            return Err(SqlError::analysis(message));
        }
        if if_exists && !self.state.users.contains_key(user) {
            return DONE;
        }
        if let Some(roles) = default_roles {
            return self.set_default_role(roles, user);
        }
        let password = password.as_ref().map(hash).transpose()?;
        self.user(user)?.password = password;
        DONE
    }

    pub(super) fn drop_user(&mut self, user: &Identity, if_exists: bool) -> SqlResult<Answer> {
        self.require(Privilege::Grant, &Object::System)?;
        if *user == Identity::root() {
            return Err(SqlError::analysis(
                "Operation DROP USER failed for 'root'@'%' : cannot drop user 'root'@'%'",
            ));
        }
        if self.state.users.remove(user).is_none() && !if_exists {
            let message = format!("Operation DROP USER failed for {user} : user not exists");
            return Err(SqlError::analysis(message));
        }
        DONE
    }

    pub(super) fn set_default_role(&mut self, roles: Roles, user: &Identity) -> SqlResult<Answer> {
        if self.session.user != *user {
            self.require(Privilege::Grant, &Object::System)?;
        }
        let has = self.user(user)?.roles.clone();
        let default_roles = match roles {
            Roles::All => DefaultRoles::All,
            Roles::None | Roles::Default => DefaultRoles::These(BTreeSet::new()),
            Roles::These(names) => DefaultRoles::These(self.select_roles(user, &has, names)?),
        };
        self.user(user)?.default_roles = default_roles;
        DONE
    }

    pub(super) fn set_role(&mut self, roles: Roles) -> SqlResult<Answer> {
        let user = self.session.user.clone();
        let account = self.user(&user)?.clone();
        self.session.roles = match roles {
            Roles::None => BTreeSet::new(),
            Roles::All => account.roles,
            Roles::Default => account.active_at_login(),
            Roles::These(names) => self.select_roles(&user, &account.roles, names)?,
        };
        DONE
    }

    pub(super) fn show_users(&self) -> SqlResult<Answer> {
        self.require(Privilege::Grant, &Object::System)?;
        let mut shown = Rows::new(&["User"]);
        for user in self.state.users.keys() {
            shown.push([&user.to_string()]);
        }
        Ok(Answer::Rows(shown))
    }

    pub(super) fn show_roles(&self) -> SqlResult<Answer> {
        self.require(Privilege::Grant, &Object::System)?;
        let mut shown = Rows::new(&["Name"]);
        for name in self.state.roles.keys() {
            shown.push([name]);
        }
        Ok(Answer::Rows(shown))
    }

    pub(super) fn user(&mut self, user: &Identity) -> SqlResult<&mut User> {
        let missing = || SqlError::analysis(format!("cannot find user {user}!"));
        self.state.users.get_mut(user).ok_or_else(missing)
    }

    pub(super) fn check_role(&self, action: &str, name: &str) -> SqlResult<()> {
        match self.state.roles.contains_key(name) {
            true => Ok(()),
            false => Err(SqlError::analysis(format!(
                "{action}: cannot find role {name}!"
            ))),
        }
    }

    pub(super) fn check_grantee(&self, grantee: &Grantee) -> SqlResult<()> {
        match grantee {
            Grantee::Role(name) => self.check_role("Can not grant/revoke to role", name),
            Grantee::User(user) if self.state.users.contains_key(user) => Ok(()),
            Grantee::User(user) => Err(SqlError::analysis(format!("cannot find user {user}!"))),
        }
    }

    fn select_roles(
        &self,
        user: &Identity,
        has: &BTreeSet<String>,
        names: Vec<String>,
    ) -> SqlResult<BTreeSet<String>> {
        for name in &names {
            self.check_role("Cannot set role", name)?;
            if !has.contains(name) {
                let message = format!("Role {name} is not granted to {user}");
                return Err(SqlError::general(message));
            }
        }
        Ok(BTreeSet::from_iter(names))
    }
}

impl User {
    /// Returns the roles that are active after a login.
    pub fn active_at_login(&self) -> BTreeSet<String> {
        match &self.default_roles {
            DefaultRoles::All => self.roles.clone(),
            DefaultRoles::These(roles) => roles.intersection(&self.roles).cloned().collect(),
        }
    }
}

/// Accepts up to 64 letters, digits and underscores.
fn check_user_name(name: &str) -> SqlResult<()> {
    let word = |it: char| it.is_ascii_alphanumeric() || it == '_';
    match !name.is_empty() && name.len() <= 64 && name.chars().all(word) {
        true => Ok(()),
        false => Err(SqlError::analysis(format!("invalid user name: {name}"))),
    }
}

fn hash(password: &Password) -> SqlResult<PasswordHash> {
    match password {
        Password::Plain(plain) => Ok(PasswordHash::of(plain)),
        Password::Hash(hash) => PasswordHash::parse(hash).ok_or_else(|| {
            SqlError::analysis("Password hash should be a 41-digit hexadecimal number")
        }),
    }
}
