//! What a tenant's role may do in its catalog. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::backend::starrocks::client::Record;
use crate::backend::starrocks::sql::{identifier, text};

/// What a tenant may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Everything with its databases, tables and their rows.
    ReadWrite,
    /// To read.
    Read,
}

/// Privileges by what they are on, such as `ALL TABLES IN ALL DATABASES`; what isn't the
/// catalog itself is the tenant's catalog's.
pub type Grants = BTreeMap<String, BTreeSet<String>>;

const DATABASES: &str = "ALL DATABASES";
const TABLES: &str = "ALL TABLES IN ALL DATABASES";

/// The grants that a role has with these rights in this catalog.
pub fn wanted(catalog: &str, rights: Rights) -> Grants {
    let of = |privileges: &[&str]| privileges.iter().map(|it| (*it).to_owned()).collect();
    let catalog = format!("CATALOG {catalog}");
    match rights {
        Rights::ReadWrite => [
            (catalog, of(&["USAGE", "CREATE DATABASE"])),
            (DATABASES.into(), of(&["CREATE TABLE", "ALTER", "DROP"])),
            (
                TABLES.into(),
                of(&["SELECT", "INSERT", "UPDATE", "DELETE", "ALTER", "DROP"]),
            ),
        ]
        .into(),
        Rights::Read => [(catalog, of(&["USAGE"])), (TABLES.into(), of(&["SELECT"]))].into(),
    }
}

/// The grants that the rows of `SHOW GRANTS` tell of, but roles.
pub fn found(rows: &[Record], catalog: &str) -> Grants {
    let mut grants = Grants::new();
    for row in rows {
        let column = |name: &str| row.get(name).map(String::as_str).unwrap_or_default();
        let Some((privileges, on)) = parse(column("Grants")) else {
            continue;
        };
        let elsewhere = !on.starts_with("CATALOG ") && column("Catalog") != catalog;
        let on = match column("Catalog") {
            there if elsewhere && !there.is_empty() => format!("{on} OF {there}"),
            _ => on.to_owned(),
        };
        let privileges = privileges.split(", ").map(str::to_owned);
        grants.entry(on).or_default().extend(privileges);
    }
    grants
}

/// `GRANT SELECT, INSERT ON x TO ROLE 'r'`: the privileges, and x. Nothing of a role that
/// is granted.
fn parse(grant: &str) -> Option<(&str, &str)> {
    let (privileges, rest) = grant.strip_prefix("GRANT ")?.split_once(" ON ")?;
    let (on, _) = rest.rsplit_once(" TO ")?;
    Some((privileges, on))
}

/// What `more` has beyond `less`.
pub fn beyond(more: &Grants, less: &Grants) -> Grants {
    let mut beyond = Grants::new();
    for (on, privileges) in more {
        let there = less.get(on).cloned().unwrap_or_default();
        let left: BTreeSet<String> = privileges.difference(&there).cloned().collect();
        if !left.is_empty() {
            beyond.insert(on.clone(), left);
        }
    }
    beyond
}

/// The statements that grant this, or take it away.
pub fn statements(grants: &Grants, verb: Verb, role: &str) -> Vec<String> {
    let (verb, preposition) = match verb {
        Verb::Grant => ("GRANT", "TO"),
        Verb::Revoke => ("REVOKE", "FROM"),
    };
    let statement = |(on, privileges): (&String, &BTreeSet<String>)| {
        let privileges: Vec<&str> = privileges.iter().map(String::as_str).collect();
        let on = match on.strip_prefix("CATALOG ") {
            Some(catalog) => format!("CATALOG {}", identifier(catalog.trim_matches('`'))),
            None => on.clone(),
        };
        let privileges = privileges.join(", ");
        format!(
            "{verb} {privileges} ON {on} {preposition} ROLE {}",
            text(role)
        )
    };
    grants.iter().map(statement).collect()
}

/// Whether to give or to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Grant,
    Revoke,
}

/// As people read it.
pub fn words(grants: &Grants) -> String {
    let each = grants.iter().map(|(on, privileges)| {
        let privileges: Vec<&str> = privileges.iter().map(String::as_str).collect();
        format!("{} on {on}", privileges.join(", "))
    });
    each.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATALOG: &str = "tenant_acme_catalog";

    fn row(catalog: &str, grants: &str) -> Record {
        let pairs = [("RoleName", "r"), ("Catalog", catalog), ("Grants", grants)];
        pairs
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    }

    #[test]
    fn what_starrocks_shows_is_what_was_wanted() {
        let rows = [
            row(
                CATALOG,
                "GRANT CREATE DATABASE, USAGE ON CATALOG tenant_acme_catalog TO ROLE 'r'",
            ),
            row(
                CATALOG,
                "GRANT DROP, ALTER, CREATE TABLE ON ALL DATABASES TO ROLE 'r'",
            ),
            row(
                CATALOG,
                "GRANT DELETE, DROP, INSERT, SELECT, ALTER, UPDATE ON ALL TABLES IN ALL DATABASES TO ROLE 'r'",
            ),
        ];
        assert_eq!(found(&rows, CATALOG), wanted(CATALOG, Rights::ReadWrite));
        assert_eq!(
            found(&[row("", "GRANT 'r' TO 'u'@'%'")], CATALOG),
            Grants::new()
        );
    }

    #[test]
    fn a_grant_in_another_catalog_is_another_grant() {
        let rows = [row(
            "default_catalog",
            "GRANT SELECT ON ALL TABLES IN ALL DATABASES TO ROLE 'r'",
        )];
        let extra = beyond(&found(&rows, CATALOG), &wanted(CATALOG, Rights::Read));
        assert_eq!(
            words(&extra),
            "SELECT on ALL TABLES IN ALL DATABASES OF default_catalog"
        );
    }

    #[test]
    fn statements_name_role_and_catalog_in_quotes() {
        let read = wanted(CATALOG, Rights::Read);
        assert_eq!(
            statements(&read, Verb::Revoke, "r"),
            [
                "REVOKE SELECT ON ALL TABLES IN ALL DATABASES FROM ROLE 'r'",
                "REVOKE USAGE ON CATALOG `tenant_acme_catalog` FROM ROLE 'r'",
            ]
        );
    }
}
