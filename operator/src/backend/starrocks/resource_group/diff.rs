//! From what StarRocks holds for a tenant's resource group to what it should: pure.

use std::collections::BTreeSet;
use std::fmt;

use super::size::{Limits, Nodes, limits};
use crate::backend::{Desired, TenantKey};

/// What StarRocks holds for a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Observed {
    /// The nodes that its queries run on.
    pub nodes: Nodes,
    /// Its group, if there is one.
    pub group: Option<Group>,
}

/// A resource group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    /// What its queries may use; none if it isn't limited in this way.
    pub limits: Option<Limits>,
    /// Which queries are its own.
    pub classifiers: BTreeSet<Classifier>,
}

/// What a query must be like to be a group's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Classifier {
    /// Its number.
    pub id: u64,
    /// Its conditions, as StarRocks shows them: `user=tenant_1`.
    pub conditions: String,
}

/// One thing to do. Every step can be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make the group for the tenant's queries, with these limits.
    Create(Limits),
    /// Give the group these limits.
    Limit(Limits),
    /// Make the tenant's queries the group's.
    Classify,
    /// Make these queries the group's no longer.
    Drop(BTreeSet<Classifier>),
    /// Drop the group.
    DropGroup,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limits = |limits: &Limits| {
            let weight = limits.cpu_weight;
            format!("cpu_weight {weight} and mem_limit {}", limits.mem_limit())
        };
        match self {
            Self::Create(to) => write!(f, "create the resource group, {}", limits(to)),
            Self::Limit(to) => write!(f, "change the resource group to {}", limits(to)),
            Self::Classify => f.write_str("classify the tenant's queries"),
            Self::Drop(classifiers) => {
                let conditions = classifiers.iter().map(|it| it.conditions.as_str());
                let conditions = conditions.collect::<Vec<_>>().join("; ");
                write!(f, "drop the classifiers of {conditions}")
            }
            Self::DropGroup => f.write_str("drop the resource group"),
        }
    }
}

/// What is to be done, in this order; nothing if StarRocks holds what it should.
///
/// A group gives nobody access: a tenant that has none keeps what is there.
pub fn diff(tenant: &TenantKey, desired: &Desired, observed: &Observed) -> Vec<Step> {
    let quota = match desired {
        Desired::Writable { limits, .. } | Desired::ReadOnly(limits) => limits,
        Desired::NoAccess => return Vec::new(),
        Desired::Absent => return observed.group.iter().map(|_| Step::DropGroup).collect(),
    };
    let (wanted, _) = limits(quota, observed.nodes);
    let Some(group) = &observed.group else {
        return vec![Step::Create(wanted)];
    };
    let mut steps = Vec::new();
    if group.limits != Some(wanted) {
        steps.push(Step::Limit(wanted));
    }
    let own = format!("user={}", tenant.id.starrocks_name());
    let (own, others): (BTreeSet<_>, BTreeSet<_>) = group
        .classifiers
        .iter()
        .cloned()
        .partition(|classifier| classifier.conditions == own);
    if own.is_empty() {
        steps.push(Step::Classify);
    }
    if !others.is_empty() {
        steps.push(Step::Drop(others));
    }
    steps
}

#[cfg(test)]
mod tests {
    use akili_crds::TenantQuotaSpec;

    use super::Step::*;
    use super::*;
    use crate::backend::fake::all_states;

    const NODES: Nodes = Nodes {
        count: 3,
        cores: 48,
        memory: 192 << 30,
    };

    fn tenant() -> TenantKey {
        TenantKey {
            slug: "acme".parse().unwrap(),
            id: "550e8400-e29b-41d4-a716-446655440000".parse().unwrap(),
        }
    }

    fn classifier(id: u64, conditions: &str) -> Classifier {
        let conditions = conditions.to_owned();
        Classifier { id, conditions }
    }

    fn own() -> Classifier {
        classifier(1, "user=tenant_550e8400e29b41d4a716446655440000")
    }

    fn wanted() -> Limits {
        limits(&TenantQuotaSpec::default(), NODES).0
    }

    fn holding(limits: Option<Limits>, classifiers: &[Classifier]) -> Observed {
        let classifiers = classifiers.iter().cloned().collect();
        Observed {
            nodes: NODES,
            group: Some(Group {
                limits,
                classifiers,
            }),
        }
    }

    fn nothing() -> Observed {
        Observed {
            nodes: NODES,
            group: None,
        }
    }

    #[test]
    fn while_the_tenant_may_query() {
        let other = classifier(2, "role=public");
        let small = Limits {
            cpu_weight: 1,
            memory: 1,
        };
        for (reason, observed, expected) in [
            ("converged", holding(Some(wanted()), &[own()]), vec![]),
            ("there is none", nothing(), vec![Create(wanted())]),
            (
                "another quota",
                holding(Some(small), &[own()]),
                vec![Limit(wanted())],
            ),
            (
                "its cores are its own",
                holding(None, &[own()]),
                vec![Limit(wanted())],
            ),
            (
                "not for anybody",
                holding(Some(wanted()), &[]),
                vec![Classify],
            ),
            (
                "for others too",
                holding(Some(wanted()), &[own(), other.clone()]),
                vec![Drop([other.clone()].into())],
            ),
            (
                "for others only",
                holding(Some(wanted()), std::slice::from_ref(&other)),
                vec![Classify, Drop([other].into())],
            ),
        ] {
            let [active, suspended, archived] = all_states();
            for desired in [active, suspended] {
                let steps = diff(&tenant(), &desired, &observed);
                assert_eq!(steps, expected, "{reason}, {desired:?}");
            }
            let steps = diff(&tenant(), &archived, &observed);
            assert_eq!(steps, [], "{reason}, archived");
        }
    }

    fn after(mut it: Observed, step: &Step) -> Observed {
        if *step == DropGroup {
            return nothing();
        }
        let group = it.group.get_or_insert_with(|| Group {
            limits: None,
            classifiers: BTreeSet::new(),
        });
        match step {
            Create(limits) => {
                group.limits = Some(*limits);
                group.classifiers.insert(own());
            }
            Limit(limits) => group.limits = Some(*limits),
            Classify => group.classifiers.extend([own()]),
            Drop(classifiers) => group.classifiers.retain(|it| !classifiers.contains(it)),
            DropGroup => {}
        }
        it
    }

    #[test]
    fn whatever_is_found_the_steps_leave_nothing_to_do() {
        let others = [classifier(2, "role=public"), classifier(3, "")];
        let mut found = vec![nothing()];
        for limits in [None, Some(wanted())] {
            for classifiers in [
                &[][..],
                &[own()],
                &others,
                &[&others[..], &[own()]].concat(),
            ] {
                found.push(holding(limits, classifiers));
            }
        }
        for observed in found {
            for desired in all_states().into_iter().chain([Desired::Absent]) {
                let steps = diff(&tenant(), &desired, &observed);
                for cut in 0..=steps.len() {
                    let cut_off = steps[..cut].iter().fold(observed.clone(), after);
                    let rest = diff(&tenant(), &desired, &cut_off);
                    let reached = rest.iter().fold(cut_off, after);
                    assert_eq!(diff(&tenant(), &desired, &reached), [], "{observed:?}");
                }
            }
        }
    }
}
