//! What may be granted, on what, and what a grant covers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A privilege that StarRocks knows, of those that the stand-in needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Privilege {
    /// Users, roles and who has them; only by a built-in role.
    Grant,
    /// The cluster's nodes; only by a built-in role.
    Node,
    Operate,
    Delete,
    Drop,
    Insert,
    Select,
    Alter,
    Export,
    Update,
    Usage,
    CreateDatabase,
    CreateTable,
    CreateView,
    CreateFunction,
    CreateMaterializedView,
    CreateResourceGroup,
    CreateExternalCatalog,
    /// Every one that the object has; never stored.
    All,
}

use Privilege::*;

impl Privilege {
    /// Those that statements call by a name.
    pub const NAMED: &[Self] = &[
        Grant,
        Node,
        Operate,
        Delete,
        Drop,
        Insert,
        Select,
        Alter,
        Export,
        Update,
        Usage,
        CreateDatabase,
        CreateTable,
        CreateView,
        CreateFunction,
        CreateMaterializedView,
        CreateResourceGroup,
        CreateExternalCatalog,
    ];

    /// The keywords for it.
    pub fn name(self) -> &'static str {
        match self {
            Grant => "GRANT",
            Node => "NODE",
            Operate => "OPERATE",
            Delete => "DELETE",
            Drop => "DROP",
            Insert => "INSERT",
            Select => "SELECT",
            Alter => "ALTER",
            Export => "EXPORT",
            Update => "UPDATE",
            Usage => "USAGE",
            CreateDatabase => "CREATE DATABASE",
            CreateTable => "CREATE TABLE",
            CreateView => "CREATE VIEW",
            CreateFunction => "CREATE FUNCTION",
            CreateMaterializedView => "CREATE MATERIALIZED VIEW",
            CreateResourceGroup => "CREATE RESOURCE GROUP",
            CreateExternalCatalog => "CREATE EXTERNAL CATALOG",
            All => "ALL",
        }
    }
}

/// Something that privileges are granted on. `None` is every one of its kind, those
/// made later too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Object {
    System,
    Catalog(Option<String>),
    Group(Option<String>),
    Database {
        catalog: String,
        database: Option<String>,
    },
    Table {
        catalog: String,
        database: Option<String>,
        table: Option<String>,
    },
}

impl Object {
    /// A catalog by its name.
    pub fn catalog(name: &str) -> Self {
        Self::Catalog(Some(name.to_owned()))
    }

    /// A resource group by its name.
    pub fn group(name: &str) -> Self {
        Self::Group(Some(name.to_owned()))
    }

    /// A database by its name.
    pub fn database(catalog: &str, database: &str) -> Self {
        Self::Database {
            catalog: catalog.to_owned(),
            database: Some(database.to_owned()),
        }
    }

    /// A table by its name.
    pub fn table(catalog: &str, database: &str, table: &str) -> Self {
        let [database, table] = [database, table].map(|name| Some(name.to_owned()));
        Self::Table {
            catalog: catalog.to_owned(),
            database,
            table,
        }
    }

    /// What kind it is, in StarRocks' word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::System => "SYSTEM",
            Self::Catalog(_) => "CATALOG",
            Self::Group(_) => "RESOURCE GROUP",
            Self::Database { .. } => "DATABASE",
            Self::Table { .. } => "TABLE",
        }
    }

    /// As a refusal calls it: its kind and its own name.
    pub fn shown(&self) -> String {
        let name = match self {
            Self::System => &None,
            Self::Catalog(name) | Self::Group(name) => name,
            Self::Database { database, .. } => database,
            Self::Table { table, .. } => table,
        };
        match name {
            Some(name) => format!("{} {name}", self.kind()),
            None => self.kind().to_owned(),
        }
    }

    /// The catalog that it is, or that it is in.
    pub fn catalog_name(&self) -> Option<&str> {
        match self {
            Self::Catalog(name) => name.as_deref(),
            Self::Database { catalog, .. } | Self::Table { catalog, .. } => Some(catalog),
            Self::System | Self::Group(_) => None,
        }
    }

    /// As GRANT names it.
    pub fn in_grant(&self) -> String {
        let one = |kind: &str, name: &Option<String>| match name {
            Some(name) => format!("{kind} {name}"),
            None => format!("ALL {kind}S"),
        };
        match self {
            Self::System => "SYSTEM".to_owned(),
            Self::Catalog(name) | Self::Group(name) => one(self.kind(), name),
            Self::Database { database, .. } => one("DATABASE", database),
            Self::Table {
                database: Some(database),
                table: Some(table),
                ..
            } => {
                format!("TABLE {database}.{table}")
            }
            Self::Table {
                database: Some(database),
                ..
            } => {
                format!("ALL TABLES IN DATABASE {database}")
            }
            Self::Table { .. } => "ALL TABLES IN ALL DATABASES".to_owned(),
        }
    }

    /// The privileges that can be granted on it, none of which is [`Privilege::All`].
    pub fn grantable(&self) -> &'static [Privilege] {
        match self {
            Self::System => &[Operate, CreateResourceGroup, CreateExternalCatalog],
            Self::Catalog(Some(name)) if name == "default_catalog" => &[Usage, CreateDatabase],
            Self::Catalog(_) => &[Drop, Alter, Usage, CreateDatabase],
            Self::Group(_) => &[Drop, Alter],
            Self::Database { .. } => &[
                Drop,
                Alter,
                CreateTable,
                CreateView,
                CreateFunction,
                CreateMaterializedView,
            ],
            Self::Table { .. } => &[Delete, Drop, Insert, Select, Alter, Export, Update],
        }
    }

    /// Whether what is granted on this holds for `other` too.
    pub fn covers(&self, other: &Self) -> bool {
        let each = |mine: &Option<String>, its: &Option<String>| mine.is_none() || mine == its;
        match (self, other) {
            (Self::System, Self::System) => true,
            (Self::Catalog(mine), Self::Catalog(its)) => each(mine, its),
            (Self::Group(mine), Self::Group(its)) => each(mine, its),
            (
                Self::Database { catalog, database },
                Self::Database {
                    catalog: in_catalog,
                    database: its,
                },
            ) => catalog == in_catalog && each(database, its),
            (
                Self::Table {
                    catalog,
                    database,
                    table,
                },
                Self::Table {
                    catalog: in_catalog,
                    database: in_database,
                    table: its,
                },
            ) => catalog == in_catalog && each(database, in_database) && each(table, its),
            _ => false,
        }
    }
}

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

/// Whether a built-in role allows something. `user_admin` has GRANT, `cluster_admin`
/// NODE, `db_admin` all that can be granted, and `root` everything.
pub fn built_in_allows(role: &str, object: &Object, privilege: Option<Privilege>) -> bool {
    let is = |only| *object == Object::System && privilege.is_none_or(|it| it == only);
    match role {
        "root" => true,
        "user_admin" => is(Grant),
        "cluster_admin" => is(Node),
        "db_admin" => privilege.is_none_or(|it| object.grantable().contains(&it)),
        _ => false,
    }
}

/// The roles that every cluster has. Only `public` can be given more.
pub const BUILT_IN_ROLES: [&str; 5] = ["root", "db_admin", "cluster_admin", "user_admin", "public"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_covers_what_it_names_and_nothing_beside_it() {
        let all_tables = Object::Table {
            catalog: "one".to_owned(),
            database: None,
            table: None,
        };
        let table = [
            (
                Object::Catalog(None),
                Object::catalog("one"),
                true,
                "all catalogs",
            ),
            (
                Object::catalog("one"),
                Object::catalog("two"),
                false,
                "another catalog",
            ),
            (
                Object::catalog("one"),
                Object::table("one", "d", "t"),
                false,
                "another kind",
            ),
            (
                all_tables.clone(),
                Object::table("one", "d", "t"),
                true,
                "all tables",
            ),
            (
                all_tables,
                Object::table("two", "d", "t"),
                false,
                "tables of another catalog",
            ),
            (
                Object::table("one", "d", "t"),
                Object::table("one", "d", "u"),
                false,
                "another table",
            ),
            (
                Object::database("one", "d"),
                Object::database("one", "e"),
                false,
                "another database",
            ),
            (Object::System, Object::System, true, "the system"),
        ];
        for (granted, object, covers, reason) in table {
            assert_eq!(granted.covers(&object), covers, "{reason}");
        }
    }

    #[test]
    fn built_in_roles_allow_what_is_theirs() {
        let catalog = Object::catalog("one");
        let table = [
            ("user_admin", &Object::System, Grant, true),
            ("user_admin", &Object::System, Operate, false),
            ("user_admin", &catalog, Usage, false),
            ("cluster_admin", &Object::System, Node, true),
            ("db_admin", &Object::System, CreateExternalCatalog, true),
            ("db_admin", &Object::System, Grant, false),
            ("db_admin", &catalog, Drop, true),
            ("root", &Object::System, Grant, true),
            ("public", &catalog, Usage, false),
        ];
        for (role, object, privilege, allowed) in table {
            let allows = built_in_allows(role, object, Some(privilege));
            assert_eq!(allows, allowed, "{role}, {privilege:?} on {object:?}");
        }
    }

    #[test]
    fn what_is_revoked_is_no_longer_allowed() {
        let mut grants = Grants::default();
        let catalog = Object::catalog("one");
        grants.add(&catalog, &BTreeSet::from([Usage, Drop]), false);
        grants.remove(&catalog, &BTreeSet::from([Drop]));
        assert!(grants.allow(&catalog, Some(Usage)));
        assert!(!grants.allow(&catalog, Some(Drop)));
        grants.remove(&catalog, &BTreeSet::from([Usage]));
        assert_eq!(grants, Grants::default());
    }
}
