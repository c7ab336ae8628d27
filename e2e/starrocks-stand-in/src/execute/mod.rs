//! Execution of statements. Each is checked against the session's privileges and
//! StarRocks' rules first.

mod access;
mod accounts;
mod catalogs;
mod databases;
mod filter;
mod grants;
mod groups;
mod system;
mod tables;
#[cfg(test)]
mod tests;
mod views;

use super::{
    error::SqlResult,
    grammar::statement::Statement,
    sessions::{Session, Sessions},
    state::State,
};

/// Answer to a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Success without rows; the number of written rows.
    Done(u64),
    Rows(Rows),
}

/// Rows of text values; `None` is NULL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    pub columns: Vec<String>,
    /// One value per column.
    pub rows: Vec<Vec<Option<String>>>,
}

impl Rows {
    fn new(columns: &[&str]) -> Self {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    fn push<const N: usize>(&mut self, row: [&str; N]) {
        self.rows
            .push(row.map(|value| Some(value.to_owned())).into());
    }
}

/// Context of a statement.
pub struct Execution<'a> {
    pub state: &'a mut State,
    pub session: &'a mut Session,
    pub sessions: &'a Sessions,
}

const DONE: SqlResult<Answer> = Ok(Answer::Done(0));

impl Execution<'_> {
    /// Executes a statement. A rejected statement changes nothing.
    pub fn execute(&mut self, statement: Statement) -> SqlResult<Answer> {
        use Statement::*;
        match statement {
            CreateCatalog {
                name,
                if_not_exists,
                comment,
                properties,
            } => self.create_catalog(name, if_not_exists, comment, properties),
            DropCatalog { name, if_exists } => self.drop_catalog(&name, if_exists),
            SetCatalog { name } => self.set_catalog(name),
            ShowCatalogs => self.show_catalogs(),
            ShowCreateCatalog { name } => self.show_create_catalog(&name),

            CreateRoles {
                names,
                if_not_exists,
            } => self.create_roles(names, if_not_exists),
            DropRoles { names, if_exists } => self.drop_roles(&names, if_exists),
            CreateUser {
                user,
                if_not_exists,
                password,
                default_roles,
            } => self.create_user(user, if_not_exists, password, default_roles),
            AlterUser {
                user,
                if_exists,
                password,
                default_roles,
            } => self.alter_user(&user, if_exists, password, default_roles),
            DropUser { user, if_exists } => self.drop_user(&user, if_exists),
            SetDefaultRole { roles, user } => self.set_default_role(roles, &user),
            SetRole { roles } => self.set_role(roles),
            ShowUsers => self.show_users(),
            ShowRoles => self.show_roles(),

            GrantRoles { roles, to } => self.grant_roles(roles, &to),
            RevokeRoles { roles, from } => self.revoke_roles(&roles, &from),
            GrantPrivileges {
                privileges,
                on,
                to,
                grantable,
            } => self.grant_privileges(&privileges, on, &to, grantable),
            RevokePrivileges {
                privileges,
                on,
                from,
            } => self.revoke_privileges(&privileges, on, &from),
            ShowGrants { of } => self.show_grants(of),

            CreateGroup {
                name,
                if_not_exists,
                classifiers,
                limits,
            } => self.create_group(name, if_not_exists, &classifiers, &limits),
            AlterGroup { name, change } => self.alter_group(&name, change),
            DropGroup { name, if_exists } => self.drop_group(&name, if_exists),
            ShowGroup { name, verbose } => self.show_group(&name, verbose),
            ShowGroupUsage => Self::show_group_usage(),
            ShowGroups { all, verbose } => self.show_groups(all, verbose),

            ShowBackends => self.show_backends(),
            ShowComputeNodes => self.show_compute_nodes(),
            ShowProcesslist { full } => self.show_processlist(full),
            Kill { connection, id } => self.kill(connection, id),
            SetVariables => DONE,
            SelectValues { values } => self.select_values(values),

            ShowDatabases { catalog } => self.show_databases(catalog),
            ShowTables { database } => self.show_tables(database),
            Use { database } => self.use_database(&database),
            CreateDatabase {
                database,
                if_not_exists,
            } => self.create_database(&database, if_not_exists),
            DropDatabase {
                database,
                if_exists,
            } => self.drop_database(&database, if_exists),
            CreateTable {
                table,
                if_not_exists,
                columns,
            } => self.create_table(&table, if_not_exists, columns),
            DropTable { table, if_exists } => self.drop_table(&table, if_exists),
            Insert {
                table,
                columns,
                rows,
            } => self.insert(&table, columns, rows),
            Delete { table, conditions } => self.delete(&table, &conditions),
            Select {
                columns,
                table,
                conditions,
                limit,
            } => self.select(columns, &table, &conditions, limit),
        }
    }
}
