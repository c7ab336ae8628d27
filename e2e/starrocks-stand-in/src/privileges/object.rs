//! Objects that privileges are granted on.

use serde::{Deserialize, Serialize};

use super::Privilege::{self, *};

/// An object, or all objects of a kind: `None` means all, including those created later.
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
    pub fn catalog(name: &str) -> Self {
        Self::Catalog(Some(name.to_owned()))
    }

    pub fn group(name: &str) -> Self {
        Self::Group(Some(name.to_owned()))
    }

    pub fn database(catalog: &str, database: &str) -> Self {
        Self::Database {
            catalog: catalog.to_owned(),
            database: Some(database.to_owned()),
        }
    }

    pub fn table(catalog: &str, database: &str, table: &str) -> Self {
        let [database, table] = [database, table].map(|name| Some(name.to_owned()));
        Self::Table {
            catalog: catalog.to_owned(),
            database,
            table,
        }
    }

    /// Returns the kind in StarRocks' spelling.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::System => "SYSTEM",
            Self::Catalog(_) => "CATALOG",
            Self::Group(_) => "RESOURCE GROUP",
            Self::Database { .. } => "DATABASE",
            Self::Table { .. } => "TABLE",
        }
    }

    /// Returns kind and name as error messages show them.
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

    /// Returns the name of the catalog that the object is or belongs to.
    pub fn catalog_name(&self) -> Option<&str> {
        match self {
            Self::Catalog(name) => name.as_deref(),
            Self::Database { catalog, .. } | Self::Table { catalog, .. } => Some(catalog),
            Self::System | Self::Group(_) => None,
        }
    }

    /// Returns the object in GRANT's syntax.
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

    /// Returns the privileges that can be granted on the object, without
    /// [`Privilege::All`].
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

    /// Returns whether a grant on this object applies to `other`.
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
