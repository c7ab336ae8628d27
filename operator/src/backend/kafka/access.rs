//! What a tenant may do, as ACLs on what is below its prefix.

use std::collections::BTreeSet;
use std::fmt;

use akili_kafka_admin::{Acl, Operation, Pattern, Permission, Resource};

use crate::backend::{Desired, TenantKey};

/// What a rule is about, and what may, or must not, be done with it.
type Rule = (Resource, &'static [Operation]);

const READ: [Rule; 3] = [
    (
        Resource::Topic,
        &[
            Operation::Read,
            Operation::Describe,
            Operation::DescribeConfigs,
        ],
    ),
    // Whoever reads for a group also commits how far it is.
    (Resource::Group, &[Operation::Read, Operation::Describe]),
    (Resource::TransactionalId, &[Operation::Describe]),
];

/// Writing a topic lets a producer be idempotent, too: no right on the cluster is needed.
const WRITE: [Rule; 3] = [
    (
        Resource::Topic,
        &[
            Operation::Write,
            Operation::Create,
            Operation::Delete,
            Operation::Alter,
            Operation::AlterConfigs,
        ],
    ),
    (Resource::Group, &[Operation::Delete]),
    (Resource::TransactionalId, &[Operation::Write]),
];

const EVERYTHING: [Rule; 3] = [
    (Resource::Topic, &[Operation::All]),
    (Resource::Group, &[Operation::All]),
    (Resource::TransactionalId, &[Operation::All]),
];

/// The principal that a tenant's clients are.
pub fn principal(tenant: &TenantKey) -> String {
    format!("User:{}", tenant.id.kafka_user())
}

/// The ACLs that a tenant is to have, and no others. What it may not do is denied as
/// well, which beats whatever `User:*` is allowed.
pub fn wanted(tenant: &TenantKey, desired: &Desired) -> BTreeSet<Acl> {
    let allow = |rules| acls(tenant, Permission::Allow, rules);
    let deny = |rules| acls(tenant, Permission::Deny, rules);
    match desired {
        Desired::Writable { .. } => allow(READ).chain(allow(WRITE)).collect(),
        Desired::ReadOnly(_) => allow(READ).chain(deny(WRITE)).collect(),
        Desired::NoAccess => deny(EVERYTHING).collect(),
        Desired::Absent => BTreeSet::new(),
    }
}

fn acls(tenant: &TenantKey, permission: Permission, rules: [Rule; 3]) -> impl Iterator<Item = Acl> {
    let (name, principal) = (tenant.slug.topic_prefix(), principal(tenant));
    let one = move |resource, operation| Acl {
        resource,
        pattern: Pattern::Prefixed,
        name: name.clone(),
        principal: principal.clone(),
        host: "*".to_owned(),
        operation,
        permission,
    };
    let rules = rules.into_iter();
    let rules = rules.flat_map(|(resource, all)| all.iter().map(move |it| (resource, *it)));
    rules.map(move |(resource, operation)| one(resource, operation))
}

/// ACLs of one principal as people read them, those on one thing together.
pub struct Summary<'a>(pub &'a BTreeSet<Acl>);

/// How many things are named; what somebody else made may have no end.
const MOST_NAMED: usize = 5;

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut things: Vec<(String, Vec<String>)> = Vec::new();
        for acl in self.0 {
            let thing = thing(acl);
            let operation = format!("{:?}", acl.operation);
            match things.last_mut() {
                Some((last, operations)) if *last == thing => operations.push(operation),
                _ => things.push((thing, vec![operation])),
            }
        }
        let named = things.iter().take(MOST_NAMED);
        let named =
            named.map(|(thing, operations)| format!("{} on {thing}", operations.join(", ")));
        f.write_str(&named.collect::<Vec<_>>().join("; "))?;
        match things.len().saturating_sub(MOST_NAMED) {
            0 => Ok(()),
            others => write!(f, "; and on {others} more"),
        }
    }
}

fn thing(acl: &Acl) -> String {
    let Acl {
        resource,
        pattern,
        name,
        host,
        ..
    } = acl;
    let name = match pattern {
        Pattern::Prefixed => format!("{name}*"),
        Pattern::Literal | Pattern::Unknown => name.clone(),
    };
    let from = match host.as_str() {
        "*" => String::new(),
        host => format!(" from {host}"),
    };
    format!("{resource:?} {name}{from}")
}

#[cfg(test)]
mod tests {
    use akili_crds::TenantId;

    use super::*;
    use crate::backend::fake::all_states;

    fn tenant() -> TenantKey {
        TenantKey {
            slug: "acme".parse().unwrap(),
            id: TenantId::random(),
        }
    }

    /// As Kafka decides it: a DENY beats every ALLOW.
    fn may(acls: &BTreeSet<Acl>, resource: Resource, operation: Operation) -> bool {
        let says = |permission| {
            acls.iter().any(|acl| {
                acl.resource == resource
                    && acl.permission == permission
                    && [operation, Operation::All].contains(&acl.operation)
            })
        };
        says(Permission::Allow) && !says(Permission::Deny)
    }

    #[test]
    fn each_state_allows_what_it_should() {
        use Operation::*;
        use Resource::{Cluster, Group, Topic, TransactionalId};
        let tenant = tenant();
        let [active, suspended, archived] = all_states().map(|state| wanted(&tenant, &state));
        for (resource, operation, allowed) in [
            (Topic, Read, [true, true, false]),
            (Topic, Describe, [true, true, false]),
            (Topic, DescribeConfigs, [true, true, false]),
            (Topic, Write, [true, false, false]),
            (Topic, Create, [true, false, false]),
            (Topic, Delete, [true, false, false]),
            (Topic, Alter, [true, false, false]),
            (Topic, AlterConfigs, [true, false, false]),
            (Group, Read, [true, true, false]),
            (Group, Describe, [true, true, false]),
            (Group, Delete, [true, false, false]),
            (TransactionalId, Describe, [true, true, false]),
            (TransactionalId, Write, [true, false, false]),
            (Cluster, IdempotentWrite, [false, false, false]),
            (Cluster, Create, [false, false, false]),
        ] {
            let found = [&active, &suspended, &archived].map(|acls| may(acls, resource, operation));
            assert_eq!(found, allowed, "{operation:?} on {resource:?}");
        }
    }

    #[test]
    fn what_a_state_does_not_allow_it_denies() {
        let tenant = tenant();
        let [active, suspended, archived] = all_states().map(|state| wanted(&tenant, &state));
        let denied = |acls: &BTreeSet<Acl>, acl: &Acl| {
            [acl.operation, Operation::All].iter().any(|operation| {
                acls.contains(&Acl {
                    operation: *operation,
                    permission: Permission::Deny,
                    ..acl.clone()
                })
            })
        };
        for acl in &active {
            assert!(suspended.contains(acl) || denied(&suspended, acl), "{acl}");
            assert!(denied(&archived, acl), "{acl}");
        }
    }

    #[test]
    fn all_of_it_is_the_tenants_own_and_below_its_prefix() {
        let tenant = tenant();
        for acl in all_states().iter().flat_map(|state| wanted(&tenant, state)) {
            assert_eq!(acl.principal, format!("User:tenant-{}", tenant.id));
            assert_eq!(
                (acl.name.as_str(), acl.pattern),
                ("acme.", Pattern::Prefixed)
            );
        }
    }

    #[test]
    fn a_summary_names_each_thing_once() {
        let [_, _, archived] = all_states();
        assert_eq!(
            Summary(&wanted(&tenant(), &archived)).to_string(),
            "All on Topic acme.*; All on Group acme.*; All on TransactionalId acme.*"
        );
        let foreign = |number| Acl {
            resource: Resource::Topic,
            pattern: Pattern::Literal,
            name: format!("t{number}"),
            principal: "User:x".to_owned(),
            host: "10.0.0.1".to_owned(),
            operation: Operation::Read,
            permission: Permission::Allow,
        };
        let many = Summary(&(0..7).map(foreign).collect()).to_string();
        assert!(
            many.starts_with("Read on Topic t0 from 10.0.0.1; Read on"),
            "{many}"
        );
        assert!(many.ends_with("; and on 2 more"), "{many}");
    }
}
