//! Parsed statements.

use crate::{
    privileges::{Object, Privilege},
    state::{ColumnType, Identity},
};

/// Properties in the order of the statement.
pub type Properties = Vec<(String, String)>;

#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    CreateCatalog {
        name: String,
        if_not_exists: bool,
        comment: Option<String>,
        properties: Properties,
    },
    DropCatalog {
        name: String,
        if_exists: bool,
    },
    SetCatalog {
        name: String,
    },
    ShowCatalogs,
    ShowCreateCatalog {
        name: String,
    },

    CreateRoles {
        names: Vec<String>,
        if_not_exists: bool,
    },
    DropRoles {
        names: Vec<String>,
        if_exists: bool,
    },
    CreateUser {
        user: Identity,
        if_not_exists: bool,
        password: Option<Password>,
        default_roles: Vec<String>,
    },
    AlterUser {
        user: Identity,
        if_exists: bool,
        password: Option<Password>,
        default_roles: Option<Roles>,
    },
    DropUser {
        user: Identity,
        if_exists: bool,
    },
    GrantRoles {
        roles: Vec<String>,
        to: Grantee,
    },
    RevokeRoles {
        roles: Vec<String>,
        from: Grantee,
    },
    GrantPrivileges {
        privileges: Vec<Privilege>,
        on: Vec<Target>,
        to: Grantee,
        grantable: bool,
    },
    RevokePrivileges {
        privileges: Vec<Privilege>,
        on: Vec<Target>,
        from: Grantee,
    },
    SetDefaultRole {
        roles: Roles,
        user: Identity,
    },
    SetRole {
        roles: Roles,
    },
    ShowUsers,
    ShowRoles,
    ShowGrants {
        of: Option<Grantee>,
    },

    CreateGroup {
        name: String,
        if_not_exists: bool,
        classifiers: Vec<Vec<Condition>>,
        limits: Properties,
    },
    AlterGroup {
        name: String,
        change: GroupChange,
    },
    DropGroup {
        name: String,
        if_exists: bool,
    },
    ShowGroup {
        name: String,
        verbose: bool,
    },
    ShowGroupUsage,
    ShowGroups {
        all: bool,
        verbose: bool,
    },

    ShowBackends,
    ShowComputeNodes,
    ShowProcesslist {
        full: bool,
    },
    Kill {
        connection: bool,
        id: u32,
    },

    SetVariables,
    SelectValues {
        values: Vec<Value>,
    },

    ShowDatabases {
        catalog: Option<String>,
    },
    ShowTables {
        database: Option<TableName>,
    },
    Use {
        database: TableName,
    },
    CreateDatabase {
        database: TableName,
        if_not_exists: bool,
    },
    DropDatabase {
        database: TableName,
        if_exists: bool,
    },
    CreateTable {
        table: TableName,
        if_not_exists: bool,
        columns: Vec<(String, ColumnType)>,
    },
    DropTable {
        table: TableName,
        if_exists: bool,
    },
    Insert {
        table: TableName,
        columns: Option<Vec<String>>,
        rows: Vec<Vec<Literal>>,
    },
    Delete {
        table: TableName,
        conditions: Vec<Condition>,
    },
    Select {
        columns: Projection,
        table: TableName,
        conditions: Vec<Condition>,
        limit: Option<usize>,
    },
}

impl Statement {
    /// Returns whether the statement changes at most sessions, not stored state.
    pub fn only_reads(&self) -> bool {
        use Statement::*;
        matches!(
            self,
            SetCatalog { .. }
                | SetRole { .. }
                | SetVariables
                | Use { .. }
                | Kill { .. }
                | Select { .. }
                | SelectValues { .. }
                | ShowCatalogs
                | ShowCreateCatalog { .. }
                | ShowUsers
                | ShowRoles
                | ShowGrants { .. }
                | ShowGroup { .. }
                | ShowGroupUsage
                | ShowGroups { .. }
                | ShowBackends
                | ShowComputeNodes
                | ShowProcesslist { .. }
                | ShowDatabases { .. }
                | ShowTables { .. }
        )
    }
}

/// A qualified name: `[catalog.][database.]table`.
pub type TableName = Vec<String>;

/// The user or role of a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grantee {
    User(Identity),
    Role(String),
}

/// A selection of a user's roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roles {
    None,
    All,
    Default,
    These(Vec<String>),
}

/// A password as given in a statement. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub enum Password {
    Plain(String),
    /// `*` and the hexadecimal SHA-1 of the password's SHA-1.
    Hash(String),
}

impl std::fmt::Debug for Password {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Password(…)")
    }
}

/// The object of a grant. Databases and tables belong to the session's catalog, which is
/// known only at execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An object outside of catalogs.
    Everywhere(Object),
    /// A database of the catalog, or all.
    Database(Option<String>),
    /// A table of a database; `None` means all.
    Table {
        database: Option<String>,
        table: Option<String>,
    },
    /// A table of the session's database.
    TableHere(String),
}

/// A change of a resource group.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupChange {
    Limits(Properties),
    Add(Vec<Vec<Condition>>),
    Drop(Vec<u64>),
    DropAll,
}

/// A condition on a row or a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    Equal(String, Literal),
    In(String, Vec<Literal>),
    Like(String, String),
    Null { column: String, is: bool },
}

/// A value as written; `None` is NULL.
pub type Literal = Option<String>;

/// The selected columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Projection {
    All,
    Count,
    /// Each with its name in the answer.
    Columns(Vec<(String, String)>),
}

/// An item of a SELECT and its name in the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    pub kind: ValueKind,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueKind {
    Literal(Literal),
    Column(String),
    Variable(String),
    /// Function name in lower case.
    Function(String),
}
