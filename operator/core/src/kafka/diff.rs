//! Steps from the observed to the desired state of Kafka. Pure.

use std::collections::BTreeSet;

use super::acl::{Acl, Permission};
use super::acls::desired_acls;
use super::login::login;
use super::model::{Batch, Held, Observed, Ownership, Prefixed, Step};
use super::scram::Mechanism;
use super::settings::Topic;
use crate::{Credential, Desired, TenantKey};

/// Maximum number of topics, or groups, that one step deletes.
const BATCH_SIZE: usize = 100;

/// Returns the steps in order; none if Kafka is in the desired state.
///
/// Steps that close access come before steps that open it. A DENY is created before its
/// ALLOW is deleted, and deleted after the ALLOW is created, so that the rights of `User:*`
/// never apply to the tenant in between.
pub fn diff(
    tenant: &TenantKey,
    desired: &Desired,
    base: &[Topic],
    observed: &Observed,
) -> Vec<Step> {
    match (desired, &observed.topics) {
        (Desired::Absent, _) => return purge(tenant, base, observed),
        // A later reconcile would take an ACL for a mark that the topics are the tenant's.
        (Desired::NoAccess, Ownership::Foreign(_)) => return Vec::new(),
        _ => {}
    }
    let held = &observed.held;
    let desired_acls = desired_acls(tenant, desired);
    let mut steps = Vec::new();
    if observed.topics == Ownership::Free {
        steps.push(Step::Claim);
    }
    let (missing, excess) = (&desired_acls - &held.acls, &held.acls - &desired_acls);
    let [missing_allows, missing_denies] = by_permission(missing);
    let [excess_allows, excess_denies] = by_permission(excess);
    steps.extend(missing_denies.map(Step::Deny));
    steps.extend(excess_allows.map(Step::Withdraw));
    if matches!(desired, Desired::NoAccess) {
        steps.extend(delete_logins_except(held, None));
    } else {
        steps.extend(open_login(observed));
        let missing = base
            .iter()
            .filter(|topic| !held.topics.contains(&topic.name));
        steps.extend(missing.cloned().map(Step::CreateTopic));
    }
    steps.extend(missing_allows.map(Step::Allow));
    steps.extend(excess_denies.map(Step::Lift));
    steps
}

/// Returns the steps of a purge. DENY ACLs stay until all topics and groups are deleted.
fn purge(tenant: &TenantKey, base: &[Topic], observed: &Observed) -> Vec<Step> {
    let held = &observed.held;
    let Prefixed { topics, groups } = &observed.prefixed;
    let batch = |names: &BTreeSet<String>| Batch {
        names: names.iter().take(BATCH_SIZE).cloned().collect(),
        of: names.len(),
    };
    let mut steps;
    if topics.is_empty() && groups.is_empty() {
        steps = delete_logins_except(held, None);
        if !held.acls.is_empty() {
            steps.push(Step::DeleteAcls(held.acls.clone()));
        }
    } else {
        steps = diff(tenant, &Desired::NoAccess, base, observed);
        if !topics.is_empty() {
            steps.push(Step::DeleteTopics(batch(topics)));
        }
        if !groups.is_empty() {
            steps.push(Step::DeleteGroups(batch(groups)));
        }
    }
    steps
}

/// Splits ACLs into ALLOW and DENY; `None` for an empty half.
fn by_permission(acls: BTreeSet<Acl>) -> [Option<BTreeSet<Acl>>; 2] {
    let (allows, denies) = acls
        .into_iter()
        .partition(|acl| acl.permission == Permission::Allow);
    [allows, denies].map(|acls: BTreeSet<Acl>| Some(acls).filter(|acls| !acls.is_empty()))
}

/// Returns the steps that make the Secret's password valid. The Secret is written first.
fn open_login(observed: &Observed) -> Vec<Step> {
    let mut steps = delete_logins_except(&observed.held, Some(Mechanism::Sha256));
    let credential = observed.credential.as_ref();
    if credential.is_none_or(|it| !it.current) {
        steps.push(Step::WriteCredential);
    }
    let is_set = |it: &Credential| observed.held.logins.contains(&login(&it.password));
    if !credential.is_some_and(is_set) {
        steps.push(Step::SetPassword);
    }
    steps
}

fn delete_logins_except(held: &Held, kept: Option<Mechanism>) -> Vec<Step> {
    let mechanisms = held.logins.iter().map(|login| login.mechanism);
    let others = mechanisms.filter(|mechanism| Some(*mechanism) != kept);
    others.map(Step::DeleteLogin).collect()
}

#[cfg(test)]
mod tests {
    use super::super::acl::{Operation, Pattern, Resource};
    use super::super::scram::ScramCredential;
    use akili_crds::TenantId;

    use super::*;
    use crate::Password;
    use crate::fixtures::all_states;

    fn tenant() -> TenantKey {
        TenantKey {
            slug: "acme".parse().unwrap(),
            id: "550e8400-e29b-41d4-a716-446655440000"
                .parse::<TenantId>()
                .unwrap(),
        }
    }

    fn base() -> Vec<Topic> {
        vec![Topic::with_defaults("events")]
    }

    fn credential(password: &str) -> Credential {
        Credential {
            password: Password::from(password.to_owned()),
            current: true,
            mark: None,
        }
    }

    fn login_with(password: &str) -> ScramCredential {
        login(&Password::from(password.to_owned()))
    }

    fn nothing() -> Observed {
        Observed {
            held: Held::default(),
            topics: Ownership::Free,
            credential: None,
            prefixed: Prefixed::default(),
        }
    }

    /// Returns the converged observation of this state.
    fn converged(desired: &Desired) -> Observed {
        let login = (*desired != Desired::NoAccess).then(|| login_with("right"));
        Observed {
            held: Held {
                acls: desired_acls(&tenant(), desired),
                logins: login.into_iter().collect(),
                topics: ["events".to_owned()].into(),
            },
            topics: Ownership::Claimed,
            credential: Some(credential("right")),
            prefixed: Prefixed::default(),
        }
    }

    fn changed(desired: &Desired, change: impl Fn(&mut Observed)) -> Observed {
        let mut observed = converged(desired);
        change(&mut observed);
        observed
    }

    fn foreign_acl(permission: Permission) -> Acl {
        Acl {
            resource: Resource::Topic,
            pattern: Pattern::Literal,
            name: "acme-2.events".to_owned(),
            principal: "User:tenant-550e8400-e29b-41d4-a716-446655440000".to_owned(),
            host: "*".to_owned(),
            operation: Operation::Read,
            permission,
        }
    }

    fn steps(desired: &Desired, observed: &Observed) -> Vec<Step> {
        diff(&tenant(), desired, &base(), observed)
    }

    /// Returns the names of the steps.
    fn words(desired: &Desired, observed: &Observed) -> Vec<&'static str> {
        let word = |step: &Step| match step {
            Step::Claim => "claim",
            Step::Deny(_) => "deny",
            Step::Withdraw(_) => "withdraw",
            Step::DeleteLogin(_) => "delete login",
            Step::WriteCredential => "write",
            Step::SetPassword => "set password",
            Step::CreateTopic(_) => "create topic",
            Step::Allow(_) => "allow",
            Step::Lift(_) => "lift",
            Step::DeleteTopics(_) => "delete topics",
            Step::DeleteGroups(_) => "delete groups",
            Step::DeleteAcls(_) => "delete ACLs",
        };
        steps(desired, observed).iter().map(word).collect()
    }

    #[test]
    fn lifecycle_transition_gives_expected_steps() {
        let [active, suspended, archived] = all_states();
        for (reason, from, to, expected) in [
            (
                "a new tenant",
                nothing(),
                &active,
                &["claim", "write", "set password", "create topic", "allow"][..],
            ),
            (
                "suspended",
                converged(&active),
                &suspended,
                &["deny", "withdraw"],
            ),
            (
                "reactivated",
                converged(&suspended),
                &active,
                &["allow", "lift"],
            ),
            (
                "archived",
                converged(&active),
                &archived,
                &["deny", "withdraw", "delete login"],
            ),
            (
                "archived before it was provisioned",
                nothing(),
                &archived,
                &["claim", "deny"],
            ),
            ("active", converged(&active), &active, &[]),
            ("suspended already", converged(&suspended), &suspended, &[]),
            ("archived already", converged(&archived), &archived, &[]),
        ] {
            assert_eq!(words(to, &from), expected, "{reason}");
        }
    }

    #[test]
    fn drift_gives_only_the_repairing_step() {
        let [active, _, archived] = all_states();
        let sha_512 = ScramCredential {
            mechanism: Mechanism::Sha512,
            iterations: 4096,
        };
        let by_hand = ScramCredential {
            mechanism: Mechanism::Sha256,
            iterations: 4096,
        };
        for (reason, observed, expected) in [
            (
                "an ACL was removed",
                changed(&active, |it| drop(it.held.acls.pop_first())),
                &["allow"][..],
            ),
            (
                "an ACL was added",
                changed(&active, |it| {
                    it.held.acls.insert(foreign_acl(Permission::Allow));
                }),
                &["withdraw"],
            ),
            (
                "a DENY was added",
                changed(&active, |it| {
                    it.held.acls.insert(foreign_acl(Permission::Deny));
                }),
                &["lift"],
            ),
            (
                "the login was deleted",
                changed(&active, |it| it.held.logins.clear()),
                &["set password"],
            ),
            (
                "a password was set by hand",
                changed(&active, |it| it.held.logins = [by_hand].into()),
                &["set password"],
            ),
            (
                "a password was set for another mechanism",
                changed(&active, |it| {
                    it.held.logins.insert(sha_512);
                }),
                &["delete login"],
            ),
            (
                "the Secret was deleted",
                changed(&active, |it| it.credential = None),
                &["write", "set password"],
            ),
            (
                "the Secret has another password",
                changed(&active, |it| it.credential = Some(credential("wrong"))),
                &["set password"],
            ),
            (
                "the Secret has an old address",
                changed(&active, |it| {
                    it.credential.iter_mut().for_each(|it| it.current = false);
                }),
                &["write"],
            ),
            (
                "a base topic was deleted",
                changed(&active, |it| it.held.topics.clear()),
                &["create topic"],
            ),
        ] {
            assert_eq!(words(&active, &observed), expected, "{reason}");
        }
        let back = changed(&archived, |it| it.held.logins = [by_hand].into());
        assert_eq!(words(&archived, &back), ["delete login"]);
    }

    /// Returns the observation after a step.
    fn after(mut observed: Observed, step: &Step) -> Observed {
        let held = &mut observed.held;
        match step {
            Step::Claim => observed.topics = Ownership::Claimed,
            Step::Deny(acls) | Step::Allow(acls) => held.acls.extend(acls.clone()),
            Step::Withdraw(acls) | Step::Lift(acls) => held.acls = &held.acls - acls,
            Step::DeleteLogin(mechanism) => held.logins.retain(|it| it.mechanism != *mechanism),
            Step::WriteCredential => {
                let there = observed.credential.take();
                let made = there.unwrap_or_else(|| credential("new"));
                observed.credential = Some(Credential {
                    current: true,
                    ..made
                });
            }
            Step::SetPassword => {
                let password = &observed.credential.as_ref().unwrap().password;
                held.logins.retain(|it| it.mechanism != Mechanism::Sha256);
                held.logins.insert(login(password));
            }
            Step::CreateTopic(topic) => drop(held.topics.insert(topic.name.clone())),
            Step::DeleteTopics(batch) => {
                observed.prefixed.topics = &observed.prefixed.topics - &batch.names;
            }
            Step::DeleteGroups(batch) => {
                observed.prefixed.groups = &observed.prefixed.groups - &batch.names;
            }
            Step::DeleteAcls(acls) => held.acls = &held.acls - acls,
        }
        observed
    }

    #[test]
    fn purge_deletes_acls_after_topics_and_groups() {
        let [.., archived] = all_states();
        let names = |count: usize| (0..count).map(|n| format!("acme.{n:03}")).collect();
        let mut observed = changed(&archived, |it| {
            it.prefixed.topics = names(150);
            it.prefixed.groups = names(2);
        });
        let mut all = Vec::new();
        loop {
            let steps = steps(&Desired::Absent, &observed);
            if steps.is_empty() {
                break;
            }
            all.extend(steps.iter().map(Step::to_string));
            observed = steps.iter().fold(observed, after);
        }
        assert_eq!(
            all,
            [
                "delete 100 of 150 topics",
                "delete 2 of 2 consumer groups",
                "delete 50 of 50 topics",
                "delete ACLs: All on Topic acme.*; All on Group acme.*; \
                 All on TransactionalId acme.*",
            ]
        );
    }

    #[test]
    fn archiving_writes_no_acls_when_topics_are_foreign() {
        let [.., archived] = all_states();
        let observed = Observed {
            topics: Ownership::Foreign(vec!["acme.theirs".into()]),
            ..nothing()
        };
        assert_eq!(steps(&archived, &observed), []);
        assert_eq!(steps(&Desired::Absent, &observed), []);
    }

    fn all_observations() -> Vec<Observed> {
        let by_hand = |mechanism| ScramCredential {
            mechanism,
            iterations: 4096,
        };
        let mut found = vec![nothing()];
        for state in all_states() {
            for bits in 0..64_u8 {
                let bit = |n: u8| bits & (1 << n) != 0;
                found.push(changed(&state, |it| {
                    let held = &mut it.held;
                    if bit(0) {
                        held.acls.pop_last();
                    }
                    if bit(1) {
                        held.acls.insert(foreign_acl(Permission::Allow));
                        held.acls.insert(foreign_acl(Permission::Deny));
                    }
                    if bit(2) {
                        held.logins = [by_hand(Mechanism::Sha256)].into();
                    }
                    if bit(3) {
                        held.logins.insert(by_hand(Mechanism::Sha512));
                    }
                    if bit(4) {
                        held.topics.clear();
                    }
                    it.credential = bit(5).then(|| credential("right"));
                }));
            }
        }
        found
    }

    #[test]
    fn interrupted_steps_converge_from_every_observation() {
        for observed in all_observations() {
            for desired in all_states() {
                let all = steps(&desired, &observed);
                for cut in 0..=all.len() {
                    let reached = all[..cut].iter().fold(observed.clone(), after);
                    let rest = steps(&desired, &reached);
                    let done = rest.iter().fold(reached, after);
                    assert_eq!(steps(&desired, &done), [], "{desired:?} from {observed:?}");
                }
            }
        }
    }

    /// Returns whether Kafka authorizes an operation on a topic if `User:*` is allowed
    /// everything, or nothing. A DENY takes precedence over every ALLOW.
    fn may(acls: &BTreeSet<Acl>, operation: Operation, everybody_may: bool) -> bool {
        let has = |permission| {
            acls.iter().any(|acl| {
                (acl.resource, acl.permission) == (Resource::Topic, permission)
                    && acl.pattern == Pattern::Prefixed
                    && [operation, Operation::All].contains(&acl.operation)
            })
        };
        (everybody_may || has(Permission::Allow)) && !has(Permission::Deny)
    }

    #[test]
    fn transition_never_allows_more_than_its_two_ends() {
        for from in all_states() {
            for to in all_states() {
                let (begin, end) = (converged(&from), converged(&to));
                let mut now = begin.clone();
                for step in steps(&to, &begin) {
                    now = after(now, &step);
                    for operation in [Operation::Read, Operation::Write, Operation::Delete] {
                        for everybody_may in [true, false] {
                            let may = |acls| may(acls, operation, everybody_may);
                            let ends = may(&begin.held.acls) || may(&end.held.acls);
                            assert!(ends || !may(&now.held.acls), "{from:?} → {to:?}: {step}");
                        }
                    }
                }
            }
        }
    }
}
