//! From the resource group that is there to the one that should be. Pure.

use std::collections::BTreeSet;
use std::fmt;

use akili_crds::TenantQuotaSpec;

use super::size::{Nodes, Size, size};
use crate::backend::Desired;

/// What StarRocks shows of a tenant's resource group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Held {
    /// The nodes that it is a share of; the same for all tenants.
    pub nodes: Nodes,
    /// The group, if there is one.
    pub group: Option<Group>,
}

/// A resource group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    /// As StarRocks writes it.
    pub cpu_weight: String,
    /// As StarRocks writes it.
    pub exclusive_cpu_cores: String,
    /// Share of a node's memory, in hundredths of a percent.
    pub memory: u32,
    /// Whose queries it limits; empty where a classifier says more than a user.
    pub users: BTreeSet<String>,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make the group.
    Create(Size),
    /// Change its limits.
    Resize(Size),
    /// Remove it: it is about somebody else's queries.
    Drop,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verb, size) = match self {
            Self::Create(size) => ("make", size),
            Self::Resize(size) => ("resize", size),
            Self::Drop => return f.write_str("drop the resource group"),
        };
        let (cpu, memory) = (size.cpu_weight, size.memory());
        write!(
            f,
            "{verb} the resource group: cpu_weight {cpu}, mem_limit {memory}"
        )
    }
}

/// The limits that the tenant is to have; none where it keeps those that it has.
pub fn limits(desired: &Desired) -> Option<&TenantQuotaSpec> {
    match desired {
        Desired::Writable { limits, .. } | Desired::ReadOnly(limits) => Some(limits),
        Desired::NoAccess => None,
    }
}

/// What is to be done; nothing while no node says how large it is.
pub fn diff(user: &str, desired: &Desired, held: &Held) -> Vec<Step> {
    let Some(size) = limits(desired).and_then(|limits| size(limits, &held.nodes)) else {
        return vec![];
    };
    let Some(group) = &held.group else {
        return vec![Step::Create(size)];
    };
    if group.users != [user.to_owned()].into() {
        return vec![Step::Drop, Step::Create(size)];
    }
    let as_wanted = group.cpu_weight == size.cpu_weight.to_string()
        && group.memory == size.memory_share
        && group.exclusive_cpu_cores.trim_start_matches('0').is_empty();
    if as_wanted {
        vec![]
    } else {
        vec![Step::Resize(size)]
    }
}

/// The user of a classifier such as `(id=1, weight=1.0, user=x)`; empty if it says more.
pub fn user_of(classifier: &str) -> String {
    let parts = classifier.trim_matches(['(', ')']).split(", ");
    let parts = parts.filter_map(|part| part.split_once('='));
    let said: Vec<_> = parts
        .filter(|(key, _)| !["id", "weight"].contains(key))
        .collect();
    match said[..] {
        [("user", user)] => user.to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::fake::all_states;

    const USER: &str = "tenant_1";

    fn held(change: impl Fn(&mut Group)) -> Held {
        let mut group = Group {
            cpu_weight: "3".into(),
            exclusive_cpu_cores: "0".into(),
            memory: 1666,
            users: [USER.to_owned()].into(),
        };
        change(&mut group);
        Held {
            nodes: Nodes {
                count: 3,
                cores: 16,
                memory: 64 << 30,
            },
            group: Some(group),
        }
    }

    fn words(desired: &Desired, held: &Held) -> Vec<String> {
        let steps = diff(USER, desired, held);
        steps.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_differs_is_mended_and_nothing_else() {
        let [active, suspended, archived] = all_states();
        let right = held(|_| {});
        for desired in [&active, &suspended, &archived] {
            assert_eq!(words(desired, &right), [""; 0]);
        }
        let absent = Held {
            group: None,
            ..right.clone()
        };
        let made = "make the resource group: cpu_weight 3, mem_limit 16.66%";
        assert_eq!(words(&active, &absent), [made]);
        assert_eq!(words(&archived, &absent), [""; 0]);

        let resized = "resize the resource group: cpu_weight 3, mem_limit 16.66%";
        assert_eq!(words(&active, &held(|it| it.memory = 1700)), [resized]);
        assert_eq!(
            words(&active, &held(|it| it.cpu_weight = "4".into())),
            [resized]
        );
        let exclusive = held(|it| it.exclusive_cpu_cores = "4".into());
        assert_eq!(words(&active, &exclusive), [resized]);

        let anothers = held(|it| it.users = ["tenant_2".to_owned()].into());
        assert_eq!(words(&active, &anothers), ["drop the resource group", made]);
    }

    #[test]
    fn a_classifier_that_says_more_than_a_user_is_no_users() {
        assert_eq!(user_of("(id=1, weight=1.0, user=tenant_1)"), "tenant_1");
        assert_eq!(user_of("(id=1, weight=1.5, user=tenant_1, db='x')"), "");
        assert_eq!(user_of("(id=0, weight=0.0)"), "");
    }
}
