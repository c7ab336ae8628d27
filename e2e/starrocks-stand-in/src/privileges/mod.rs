//! Privileges, the objects that they are granted on, and what a grant covers.

mod grants;
mod object;

pub use grants::Grants;
pub use object::Object;
use serde::{Deserialize, Serialize};

/// The privileges of StarRocks that the stand-in needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Privilege {
    /// Manages users, roles and their assignment; only in a built-in role.
    Grant,
    /// Manages the cluster's nodes; only in a built-in role.
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
    /// All privileges of the object; never stored.
    All,
}

use Privilege::*;

impl Privilege {
    /// The privileges that statements can name.
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

    /// Returns the keywords of the privilege.
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

/// Returns whether a built-in role allows something. `user_admin` has GRANT,
/// `cluster_admin` NODE, `db_admin` everything that can be granted, and `root`
/// everything.
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

/// Roles of every cluster. Only `public` can get more grants.
pub const BUILT_IN_ROLES: [&str; 5] = ["root", "db_admin", "cluster_admin", "user_admin", "public"];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn grant_covers_named_objects_only() {
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
    fn built_in_role_allows_its_own_privileges_only() {
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
    fn revoked_privilege_is_no_longer_allowed() {
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
