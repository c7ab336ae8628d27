//! What a tenant may do in its catalog, and how StarRocks shows and takes it: pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::super::client::INTERNAL_CATALOG;
use super::super::sql::{Statement, literal};
use crate::backend::{Desired, TenantKey};

/// A privilege on something, as StarRocks shows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    /// The catalog that it is in, or that it is on.
    pub catalog: String,
    /// Such as `CATALOG tenant_acme_catalog` or `ALL TABLES IN ALL DATABASES`.
    pub object: String,
    /// Such as `SELECT`.
    pub privilege: String,
}

/// To whom something is granted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grantee {
    /// A role, by its name.
    Role(String),
    /// A user, as StarRocks shows it: `'name'@'host'`.
    User(String),
}

/// A role that somebody has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge {
    /// The role.
    pub role: String,
    /// Who has it.
    pub holder: Grantee,
}

/// What one role or user was granted beside roles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Held {
    /// What could be read.
    pub grants: BTreeSet<Grant>,
    /// Whether there is more: something that nobody but an admin grants, on what can't
    /// be named here, or to be handed on.
    pub strange: bool,
}

const TABLES: &str = "ALL TABLES IN ALL DATABASES";
const DATABASES: &str = "ALL DATABASES";

/// The privilege that shows that a tenant is not suspended yet: it goes last.
pub const LAST_TO_GO: &str = "CREATE DATABASE";

/// Everything that a tenant's role should be granted.
pub fn wanted(tenant: &TenantKey, desired: &Desired) -> BTreeSet<Grant> {
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

impl Held {
    /// Reads the lines of SHOW GRANTS, each with its catalog.
    pub fn read(lines: &[[String; 2]]) -> Self {
        let mut held = Self::default();
        for [catalog, line] in lines {
            match read_line(catalog, line) {
                Some(grants) => held.grants.extend(grants),
                None => held.strange = true,
            }
        }
        held
    }
}

/// `GRANT privilege, … ON object TO …`; without ON it is about roles, of which the view
/// of all of them tells.
fn read_line(catalog: &str, line: &str) -> Option<Vec<Grant>> {
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

/// Whether it can be sent back as it is.
fn is_plain(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_ .,'@%".contains(c);
    text.chars().all(plain)
}

/// The statements that grant all this to a role, by the catalog to be in.
pub fn grant(grants: &BTreeSet<Grant>, role: &str) -> BTreeMap<String, Vec<Statement>> {
    statements(grants, |privileges, object| {
        format!("GRANT {privileges} ON {object} TO ROLE {}", literal(role))
    })
}

/// The statements that take all this away, by the catalog to be in.
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
        let statement = Statement::open(write(privileges.join(", "), object));
        by_catalog
            .entry(catalog.to_owned())
            .or_default()
            .push(statement);
    }
    by_catalog
}

impl Grantee {
    /// As GRANT and REVOKE name it. A user's name is as StarRocks shows it.
    pub fn in_sql(&self) -> String {
        match self {
            Self::Role(role) => format!("ROLE {}", literal(role)),
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

/// Grants as people read them: `SELECT, INSERT on ALL TABLES IN ALL DATABASES; …`.
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
    use crate::backend::fake::all_states;

    fn read(lines: &[(&str, &str)]) -> Held {
        let owned = |(catalog, line): &(&str, &str)| [(*catalog).to_owned(), (*line).to_owned()];
        Held::read(&lines.iter().map(owned).collect::<Vec<_>>())
    }

    fn tenant() -> TenantKey {
        TenantKey {
            slug: "acme".parse().unwrap(),
            id: "550e8400-e29b-41d4-a716-446655440000".parse().unwrap(),
        }
    }

    #[test]
    fn what_is_granted_is_read_back_as_it_was_wanted() {
        let [writable, read_only, none] = all_states();
        let c = "tenant_acme_catalog";
        let held = read(&[
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
        assert_eq!(held.grants, wanted(&tenant(), &read_only));
        assert!(!held.strange);
        assert!(wanted(&tenant(), &writable).is_superset(&held.grants));
        assert!(wanted(&tenant(), &none).is_empty());
    }

    #[test]
    fn what_cannot_be_sent_back_is_strange() {
        for (line, strange) in [
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
            assert_eq!(read(&[("default", line)]).strange, strange, "{line}");
        }
    }

    #[test]
    fn statements_are_grouped_by_what_they_are_about() {
        let [_, read_only, _] = all_states();
        let grants = wanted(&tenant(), &read_only);
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
