//! What privileges are granted on.

use serde::{Deserialize, Serialize};

use super::Privilege::{self, *};

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
