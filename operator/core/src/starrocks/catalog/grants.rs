//! Privileges of a tenant on its catalog, and their form in SQL. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::super::model::INTERNAL_CATALOG;
use super::super::sql::{Statement, quote_literal};
use crate::{Desired, TenantKey};

/// A privilege on something, as StarRocks shows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    /// The catalog that contains the object, or is the object.
    pub catalog: String,
    /// Object, such as `CATALOG tenant_acme_catalog` or `ALL TABLES IN ALL DATABASES`.
    pub object: String,
    /// Privilege, such as `SELECT`.
    pub privilege: String,
}

/// Receiver of a grant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grantee {
    /// A role by name.
    Role(String),
    /// A user as StarRocks shows it: `'name'@'host'`.
    User(String),
}

/// A role granted to a role or user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge {
    pub role: String,
    pub holder: Grantee,
}

/// Privileges of one role or user, without those of its roles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Privileges {
    pub grants: BTreeSet<Grant>,
    /// True if there are further grants that the operator can't revoke: on objects whose
    /// names it can't send back, or WITH GRANT OPTION. Only an admin creates those.
    pub has_unmanageable_grants: bool,
}

const TABLES: &str = "ALL TABLES IN ALL DATABASES";
const DATABASES: &str = "ALL DATABASES";

/// The privilege that is revoked last: it shows that suspending is not complete.
pub const LAST_TO_GO: &str = "CREATE DATABASE";

/// Returns all privileges that a tenant's role should have.
pub fn desired_grants(tenant: &TenantKey, desired: &Desired) -> BTreeSet<Grant> {
    let catalog = tenant.slug.catalog();
    let itself = format!("CATALOG {catalog}");
    let on = |object: &str, privileges: &[&str]| {
        let grant = |privilege: &&str| Grant {
            catalog: catalog.clone(),
            object: object.to_owned(),
            privilege: (*privilege).to_owned(),
        };
        privileges.iter().map(grant).collect::<Vec<_>>()
    };
    let read = [on(&itself, &["USAGE"]), on(TABLES, &["SELECT"])];
    let write = [
        on(&itself, &[LAST_TO_GO]),
        on(DATABASES, &["CREATE TABLE", "DROP"]),
        on(TABLES, &["INSERT", "UPDATE", "DELETE", "ALTER", "DROP"]),
    ];
    match desired {
        Desired::Writable { .. } => read.into_iter().chain(write).flatten().collect(),
        Desired::ReadOnly(_) => read.into_iter().flatten().collect(),
        Desired::NoAccess | Desired::Absent => BTreeSet::new(),
    }
}

impl Privileges {
    /// Parses the rows of SHOW GRANTS: catalog and statement.
    pub fn parse(lines: &[[String; 2]]) -> Self {
        let mut privileges = Self::default();
        for [catalog, line] in lines {
            match parse_line(catalog, line) {
                Some(grants) => privileges.grants.extend(grants),
                None => privileges.has_unmanageable_grants = true,
            }
        }
        privileges
    }
}

/// Parses `GRANT privilege, … ON object TO …`; `None` if the operator couldn't revoke it.
/// A line without ON grants a role: those are read from the view of all role grants.
fn parse_line(catalog: &str, line: &str) -> Option<Vec<Grant>> {
    let Some((privileges, rest)) = line.split_once(" ON ") else {
        return Some(Vec::new());
    };
    let privileges = privileges.strip_prefix("GRANT ")?;
    let (object, grantee) = rest.rsplit_once(" TO ")?;
    if grantee.ends_with("WITH GRANT OPTION") || !is_plain(object) || !is_plain(privileges) {
        return None;
    }
    let catalog = match catalog {
        "" | "default" => INTERNAL_CATALOG,
        external => external,
    };
    let grant = |privilege: &str| Grant {
        catalog: catalog.to_owned(),
        object: object.to_owned(),
        privilege: privilege.to_owned(),
    };
    Some(privileges.split(", ").map(grant).collect())
}

/// Returns whether the text can be sent back to StarRocks unchanged.
fn is_plain(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_ .,'@%".contains(c);
    text.chars().all(plain)
}

/// Returns the statements that grant all of this to a role, by the session's catalog.
pub fn grant(grants: &BTreeSet<Grant>, role: &str) -> BTreeMap<String, Vec<Statement>> {
    statements(grants, |privileges, object| {
        format!(
            "GRANT {privileges} ON {object} TO ROLE {}",
            quote_literal(role)
        )
    })
}

/// Returns the statements that revoke all of this, by the session's catalog.
pub fn revoke(grants: &BTreeSet<Grant>, from: &Grantee) -> BTreeMap<String, Vec<Statement>> {
    statements(grants, |privileges, object| {
        format!("REVOKE {privileges} ON {object} FROM {}", from.in_sql())
    })
}

fn statements(
    grants: &BTreeSet<Grant>,
    write: impl Fn(String, &str) -> String,
) -> BTreeMap<String, Vec<Statement>> {
    let mut by_object: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for grant in grants {
        let object = (grant.catalog.as_str(), grant.object.as_str());
        by_object.entry(object).or_default().push(&grant.privilege);
    }
    let mut by_catalog: BTreeMap<String, Vec<Statement>> = BTreeMap::new();
    for ((catalog, object), privileges) in by_object {
        let statement = Statement::plain(write(privileges.join(", "), object));
        by_catalog
            .entry(catalog.to_owned())
            .or_default()
            .push(statement);
    }
    by_catalog
}

impl Grantee {
    /// Returns the grantee in the syntax of GRANT and REVOKE.
    pub fn in_sql(&self) -> String {
        match self {
            Self::Role(role) => format!("ROLE {}", quote_literal(role)),
            Self::User(user) => format!("USER {user}"),
        }
    }
}

impl fmt::Display for Grantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(role) => write!(f, "role {role}"),
            Self::User(user) => write!(f, "user {user}"),
        }
    }
}

/// Grants for people: `SELECT, INSERT on ALL TABLES IN ALL DATABASES; …`.
pub struct Summary<'a>(pub &'a BTreeSet<Grant>);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut by_object: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for grant in self.0 {
            by_object
                .entry(&grant.object)
                .or_default()
                .push(&grant.privilege);
        }
        let parts = by_object.into_iter();
        let parts =
            parts.map(|(object, privileges)| format!("{} on {object}", privileges.join(", ")));
        f.write_str(&parts.collect::<Vec<_>>().join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::all_states;

    fn parse(lines: &[(&str, &str)]) -> Privileges {
        let owned = |(catalog, line): &(&str, &str)| [(*catalog).to_owned(), (*line).to_owned()];
        Privileges::parse(&lines.iter().map(owned).collect::<Vec<_>>())
    }

    fn tenant() -> TenantKey {
        TenantKey {
            slug: "acme".parse().unwrap(),
            id: "550e8400-e29b-41d4-a716-446655440000".parse().unwrap(),
        }
    }

    #[test]
    fn parsed_grants_equal_the_desired_ones() {
        let [writable, read_only, none] = all_states();
        let c = "tenant_acme_catalog";
        let held = parse(&[
            ("", "GRANT 'x' TO ROLE 'tenant'"),
            (
                c,
                "GRANT USAGE ON CATALOG tenant_acme_catalog TO ROLE 'tenant'",
            ),
            (
                c,
                "GRANT SELECT ON ALL TABLES IN ALL DATABASES TO ROLE 'tenant'",
            ),
        ]);
        assert_eq!(held.grants, desired_grants(&tenant(), &read_only));
        assert!(!held.has_unmanageable_grants);
        assert!(desired_grants(&tenant(), &writable).is_superset(&held.grants));
        assert!(desired_grants(&tenant(), &none).is_empty());
    }

    #[test]
    fn grant_that_cannot_be_sent_back_is_unmanageable() {
        for (line, unmanageable) in [
            ("GRANT SELECT ON TABLE d.t TO ROLE 'r'", false),
            ("GRANT OPERATE ON SYSTEM TO ROLE 'r'", false),
            ("GRANT IMPERSONATE ON USER 'a'@'%' TO ROLE 'r'", false),
            ("GRANT SELECT ON TABLE d.`a;b` TO ROLE 'r'", true),
            ("GRANT SELECT ON TABLE d.a--b TO ROLE 'r'", true),
            (
                "GRANT USAGE ON CATALOG c TO ROLE 'r' WITH GRANT OPTION",
                true,
            ),
            ("something else ON this", true),
        ] {
            let held = parse(&[("default", line)]);
            assert_eq!(held.has_unmanageable_grants, unmanageable, "{line}");
        }
    }

    #[test]
    fn statements_are_grouped_by_object() {
        let [_, read_only, _] = all_states();
        let grants = desired_grants(&tenant(), &read_only);
        let user = Grantee::User("'a'@'%'".into());
        for (statements, expected) in [
            (
                grant(&grants, "r"),
                "{\"tenant_acme_catalog\": [GRANT SELECT ON ALL TABLES IN ALL DATABASES TO ROLE \
                 'r', GRANT USAGE ON CATALOG tenant_acme_catalog TO ROLE 'r']}",
            ),
            (
                revoke(&grants, &user),
                "{\"tenant_acme_catalog\": [REVOKE SELECT ON ALL TABLES IN ALL DATABASES FROM \
                 USER 'a'@'%', REVOKE USAGE ON CATALOG tenant_acme_catalog FROM USER 'a'@'%']}",
            ),
        ] {
            assert_eq!(format!("{statements:?}"), expected);
        }
        assert_eq!(
            Summary(&grants).to_string(),
            "SELECT on ALL TABLES IN ALL DATABASES; USAGE on CATALOG tenant_acme_catalog"
        );
    }
}
