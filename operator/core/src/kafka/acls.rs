//! ACLs of a tenant on the resources with its prefix. Pure.

use std::collections::BTreeSet;
use std::fmt;

use super::acl::{Acl, Operation, Pattern, Permission, Resource};

use crate::{Desired, TenantKey};

/// A resource type and the operations on it.
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
    // Read on a group includes committing its offsets.
    (Resource::Group, &[Operation::Read, Operation::Describe]),
    (Resource::TransactionalId, &[Operation::Describe]),
];

/// Write on a topic includes idempotent producing: no right on the cluster is needed.
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

/// Returns the principal of a tenant's clients.
pub fn principal(tenant: &TenantKey) -> String {
    format!("User:{}", tenant.id.kafka_user())
}

/// Returns all ACLs that a tenant should have. Forbidden operations are denied, because a
/// DENY takes precedence over everything that `User:*` is allowed.
pub fn desired_acls(tenant: &TenantKey, desired: &Desired) -> BTreeSet<Acl> {
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
    let acl = move |resource, operation| Acl {
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
    rules.map(move |(resource, operation)| acl(resource, operation))
}

/// ACLs of one principal for people, grouped by resource.
pub struct Summary<'a>(pub &'a BTreeSet<Acl>);

/// Maximum number of resources in a summary: an admin may have created any number of ACLs.
const MAX_NAMED: usize = 5;

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut resources: Vec<(String, Vec<String>)> = Vec::new();
        for acl in self.0 {
            let resource = describe_resource(acl);
            let operation = format!("{:?}", acl.operation);
            match resources.last_mut() {
                Some((last, operations)) if *last == resource => operations.push(operation),
                _ => resources.push((resource, vec![operation])),
            }
        }
        let named = resources.iter().take(MAX_NAMED);
        let named =
            named.map(|(resource, operations)| format!("{} on {resource}", operations.join(", ")));
        f.write_str(&named.collect::<Vec<_>>().join("; "))?;
        match resources.len().saturating_sub(MAX_NAMED) {
            0 => Ok(()),
            others => write!(f, "; and on {others} more"),
        }
    }
}

/// Returns the resource of an ACL, such as `Topic acme.*`.
fn describe_resource(acl: &Acl) -> String {
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
    use crate::fixtures::all_states;

    fn tenant() -> TenantKey {
        TenantKey {
            slug: "acme".parse().unwrap(),
            id: TenantId::random(),
        }
    }

    /// Returns whether Kafka authorizes the operation: a DENY takes precedence over ALLOW.
    fn may(acls: &BTreeSet<Acl>, resource: Resource, operation: Operation) -> bool {
        let has = |permission| {
            acls.iter().any(|acl| {
                acl.resource == resource
                    && acl.permission == permission
                    && [operation, Operation::All].contains(&acl.operation)
            })
        };
        has(Permission::Allow) && !has(Permission::Deny)
    }

    #[test]
    fn desired_acls_of_state_allow_its_operations() {
        use Operation::*;
        use Resource::{Cluster, Group, Topic, TransactionalId};
        let tenant = tenant();
        let [active, suspended, archived] = all_states().map(|state| desired_acls(&tenant, &state));
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
    fn desired_acls_deny_every_operation_not_allowed() {
        let tenant = tenant();
        let [active, suspended, archived] = all_states().map(|state| desired_acls(&tenant, &state));
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
    fn desired_acls_name_only_own_principal_and_prefix() {
        let tenant = tenant();
        for acl in all_states()
            .iter()
            .flat_map(|state| desired_acls(&tenant, state))
        {
            assert_eq!(acl.principal, format!("User:tenant-{}", tenant.id));
            assert_eq!(
                (acl.name.as_str(), acl.pattern),
                ("acme.", Pattern::Prefixed)
            );
        }
    }

    #[test]
    fn summary_names_each_resource_once() {
        let [_, _, archived] = all_states();
        assert_eq!(
            Summary(&desired_acls(&tenant(), &archived)).to_string(),
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
