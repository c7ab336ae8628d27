//! Steps from the observed to the desired state of a tenant's resource group. Pure.

use std::collections::BTreeSet;

use super::model::{Observed, Step};
use super::size::limits;
use crate::{Desired, TenantKey};

/// Returns the steps in order; none if StarRocks is in the desired state. A group grants no
/// access, so a tenant without access keeps its group.
pub fn diff(tenant: &TenantKey, desired: &Desired, observed: &Observed) -> Vec<Step> {
    let quota = match desired {
        Desired::Writable { limits, .. } | Desired::ReadOnly(limits) => limits,
        Desired::NoAccess => return Vec::new(),
        Desired::Absent => return observed.group.iter().map(|_| Step::DropGroup).collect(),
    };
    let (desired_limits, _) = limits(quota, observed.nodes);
    let Some(group) = &observed.group else {
        return vec![Step::Create(desired_limits)];
    };
    let mut steps = Vec::new();
    if group.limits != Some(desired_limits) {
        steps.push(Step::Limit(desired_limits));
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
        steps.push(Step::DropClassifiers(others));
    }
    steps
}

#[cfg(test)]
mod tests {
    use akili_crds::TenantQuotaSpec;

    use super::super::model::{Classifier, Group};
    use super::super::size::{Limits, Nodes};
    use super::Step::*;
    use super::*;
    use crate::fixtures::all_states;

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

    fn desired_limits() -> Limits {
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
    fn tenant_with_access_gets_expected_steps() {
        let other = classifier(2, "role=public");
        let small = Limits {
            cpu_weight: 1,
            memory: 1,
        };
        for (reason, observed, expected) in [
            (
                "converged",
                holding(Some(desired_limits()), &[own()]),
                vec![],
            ),
            ("there is none", nothing(), vec![Create(desired_limits())]),
            (
                "another quota",
                holding(Some(small), &[own()]),
                vec![Limit(desired_limits())],
            ),
            (
                "it has exclusive cores",
                holding(None, &[own()]),
                vec![Limit(desired_limits())],
            ),
            (
                "it has no classifier",
                holding(Some(desired_limits()), &[]),
                vec![Classify],
            ),
            (
                "a classifier was added",
                holding(Some(desired_limits()), &[own(), other.clone()]),
                vec![DropClassifiers([other.clone()].into())],
            ),
            (
                "its classifier was replaced",
                holding(Some(desired_limits()), std::slice::from_ref(&other)),
                vec![Classify, DropClassifiers([other].into())],
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
            DropClassifiers(classifiers) => {
                group.classifiers.retain(|it| !classifiers.contains(it))
            }
            DropGroup => {}
        }
        it
    }

    #[test]
    fn interrupted_steps_converge_from_every_observation() {
        let others = [classifier(2, "role=public"), classifier(3, "")];
        let mut found = vec![nothing()];
        for limits in [None, Some(desired_limits())] {
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
