//! From what Kafka holds for a tenant to what it should: pure.

use std::collections::BTreeSet;
use std::fmt;

use akili_kafka_admin::{Acl, Mechanism, Permission, ScramCredential};

use super::access::{Summary, wanted};
use super::login::login;
use crate::backend::credentials::Credential;
use crate::backend::{Desired, TenantKey};
use crate::config::Topic;

/// The most topics, or groups, that one step deletes.
const AT_ONCE: usize = 100;

/// What Kafka shows of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Held {
    /// The ACLs of its principal, on whatever.
    pub acls: BTreeSet<Acl>,
    /// The credentials of its user.
    pub logins: BTreeSet<ScramCredential>,
    /// Those of the base topics that are there, without the prefix. Others come and go.
    pub topics: BTreeSet<String>,
}

impl Held {
    /// Whether there is something that only the operator makes.
    pub fn has_marks(&self) -> bool {
        !self.acls.is_empty() || !self.logins.is_empty()
    }
}

/// What Kafka holds for a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// What Kafka shows of it.
    pub held: Held,
    /// Whose the topics below its prefix are.
    pub topics: Ownership,
    /// What the tenant's Secret says, if there is one.
    pub credential: Option<Credential>,
    /// What is below its prefix and its own; only looked at for a purge.
    pub below: Below,
}

/// What is below a tenant's prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Below {
    /// The topics.
    pub topics: BTreeSet<String>,
    /// The consumer groups.
    pub groups: BTreeSet<String>,
}

/// Whose the topics below a tenant's prefix are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// The tenant's, whoever made them.
    Claimed,
    /// Nobody's: there are none, and nothing of the tenant's.
    Free,
    /// Another's: these were there before the tenant.
    Foreign(Vec<String>),
}

/// One thing to do. Every step can be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Note that the topics below the prefix are the tenant's, before it has any.
    Claim,
    /// Deny what these ACLs say.
    Deny(BTreeSet<Acl>),
    /// Allow no longer what these say.
    Withdraw(BTreeSet<Acl>),
    /// Let nobody log in with this mechanism.
    DeleteLogin(Mechanism),
    /// Make the tenant's Secret, or mend it.
    WriteCredential,
    /// Let the tenant log in with the Secret's password.
    SetPassword,
    /// Make this base topic.
    CreateTopic(Topic),
    /// Allow what these say.
    Allow(BTreeSet<Acl>),
    /// Deny no longer what these say.
    Lift(BTreeSet<Acl>),
    /// Delete these topics.
    DeleteTopics(Batch),
    /// Delete these consumer groups.
    DeleteGroups(Batch),
    /// Delete the ACLs of a principal that is no longer there.
    DeleteAcls(BTreeSet<Acl>),
}

/// What is deleted by one step of a purge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Their names.
    pub names: BTreeSet<String>,
    /// How many there are.
    pub of: usize,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Claim => f.write_str("claim the topics below the prefix"),
            Self::Deny(acls) => write!(f, "deny {}", Summary(acls)),
            Self::Withdraw(acls) => write!(f, "no longer allow {}", Summary(acls)),
            Self::DeleteLogin(mechanism) => write!(f, "delete the {mechanism:?} login"),
            Self::WriteCredential => f.write_str("write Secret akili-kafka"),
            Self::SetPassword => f.write_str("make the login, with the Secret's password"),
            Self::CreateTopic(topic) => write!(f, "create the topic {}", topic.name),
            Self::Allow(acls) => write!(f, "allow {}", Summary(acls)),
            Self::Lift(acls) => write!(f, "no longer deny {}", Summary(acls)),
            Self::DeleteTopics(Batch { names, of }) => {
                write!(f, "delete {} of {of} topics", names.len())
            }
            Self::DeleteGroups(Batch { names, of }) => {
                write!(f, "delete {} of {of} consumer groups", names.len())
            }
            Self::DeleteAcls(acls) => write!(f, "delete the ACLs for {}", Summary(acls)),
        }
    }
}

/// What is to be done, in this order; nothing if Kafka holds what it should.
///
/// What closes comes before what opens. And a DENY is there before its ALLOW goes, and
/// goes after the ALLOW is there: what `User:*` may do never shines through.
pub fn diff(
    tenant: &TenantKey,
    desired: &Desired,
    base: &[Topic],
    observed: &Observed,
) -> Vec<Step> {
    match (desired, &observed.topics) {
        (Desired::Absent, _) => return purge(tenant, base, observed),
        // An ACL would be taken for a sign that they are the tenant's.
        (Desired::NoAccess, Ownership::Foreign(_)) => return Vec::new(),
        _ => {}
    }
    let held = &observed.held;
    let wanted = wanted(tenant, desired);
    let mut steps = Vec::new();
    if observed.topics == Ownership::Free {
        steps.push(Step::Claim);
    }
    let (missing, excess) = (&wanted - &held.acls, &held.acls - &wanted);
    let [missing_allows, missing_denies] = by_permission(missing);
    let [excess_allows, excess_denies] = by_permission(excess);
    steps.extend(missing_denies.map(Step::Deny));
    steps.extend(excess_allows.map(Step::Withdraw));
    if matches!(desired, Desired::NoAccess) {
        steps.extend(logins_but(held, None));
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

/// The tenant is kept out until nothing is left that it could get at.
fn purge(tenant: &TenantKey, base: &[Topic], observed: &Observed) -> Vec<Step> {
    let held = &observed.held;
    let Below { topics, groups } = &observed.below;
    let batch = |names: &BTreeSet<String>| Batch {
        names: names.iter().take(AT_ONCE).cloned().collect(),
        of: names.len(),
    };
    let mut steps;
    if topics.is_empty() && groups.is_empty() {
        steps = logins_but(held, None);
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

/// Those that allow and those that don't, each if there are any.
fn by_permission(acls: BTreeSet<Acl>) -> [Option<BTreeSet<Acl>>; 2] {
    let (allows, denies) = acls
        .into_iter()
        .partition(|acl| acl.permission == Permission::Allow);
    [allows, denies].map(|acls: BTreeSet<Acl>| Some(acls).filter(|acls| !acls.is_empty()))
}

/// The password is in the Secret before Kafka has it.
fn open_login(observed: &Observed) -> Vec<Step> {
    let mut steps = logins_but(&observed.held, Some(Mechanism::Sha256));
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

fn logins_but(held: &Held, kept: Option<Mechanism>) -> Vec<Step> {
    let mechanisms = held.logins.iter().map(|login| login.mechanism);
    let others = mechanisms.filter(|mechanism| Some(*mechanism) != kept);
    others.map(Step::DeleteLogin).collect()
}

#[cfg(test)]
mod tests {
    use akili_crds::TenantId;
    use akili_kafka_admin::{Operation, Pattern, Resource};

    use super::*;
    use crate::backend::fake::all_states;
    use crate::password::Password;

    fn tenant() -> TenantKey {
        TenantKey {
            slug: "acme".parse().unwrap(),
            id: "550e8400-e29b-41d4-a716-446655440000"
                .parse::<TenantId>()
                .unwrap(),
        }
    }

    fn base() -> Vec<Topic> {
        vec![serde_json::from_str(r#"{"name": "events"}"#).unwrap()]
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
            below: Below::default(),
        }
    }

    /// A tenant as it should be in this state.
    fn good(desired: &Desired) -> Observed {
        let login = (*desired != Desired::NoAccess).then(|| login_with("right"));
        Observed {
            held: Held {
                acls: wanted(&tenant(), desired),
                logins: login.into_iter().collect(),
                topics: ["events".to_owned()].into(),
            },
            topics: Ownership::Claimed,
            credential: Some(credential("right")),
            below: Below::default(),
        }
    }

    fn changed(desired: &Desired, change: impl Fn(&mut Observed)) -> Observed {
        let mut observed = good(desired);
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

    /// The steps by their names alone.
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
    fn moves_of_a_tenants_life() {
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
                good(&active),
                &suspended,
                &["deny", "withdraw"],
            ),
            ("reactivated", good(&suspended), &active, &["allow", "lift"]),
            (
                "archived",
                good(&active),
                &archived,
                &["deny", "withdraw", "delete login"],
            ),
            (
                "archived before it was made",
                nothing(),
                &archived,
                &["claim", "deny"],
            ),
            ("active", good(&active), &active, &[]),
            ("suspended already", good(&suspended), &suspended, &[]),
            ("archived already", good(&archived), &archived, &[]),
        ] {
            assert_eq!(words(to, &from), expected, "{reason}");
        }
    }

    #[test]
    fn drift_is_repaired() {
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
                "an address in the Secret is old",
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

    /// What there is after a step.
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
                observed.below.topics = &observed.below.topics - &batch.names;
            }
            Step::DeleteGroups(batch) => {
                observed.below.groups = &observed.below.groups - &batch.names;
            }
            Step::DeleteAcls(acls) => held.acls = &held.acls - acls,
        }
        observed
    }

    #[test]
    fn a_purge_deletes_topics_and_groups_and_only_then_what_keeps_the_tenant_out() {
        let [.., archived] = all_states();
        let names = |count: usize| (0..count).map(|n| format!("acme.{n:03}")).collect();
        let mut observed = changed(&archived, |it| {
            it.below.topics = names(150);
            it.below.groups = names(2);
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
                "delete the ACLs for All on Topic acme.*; All on Group acme.*; \
                 All on TransactionalId acme.*",
            ]
        );
    }

    #[test]
    fn where_the_topics_are_anothers_archiving_leaves_no_sign_that_they_were_the_tenants() {
        let [.., archived] = all_states();
        let observed = Observed {
            topics: Ownership::Foreign(vec!["acme.theirs".into()]),
            ..nothing()
        };
        assert_eq!(steps(&archived, &observed), []);
        assert_eq!(steps(&Desired::Absent, &observed), []);
    }

    fn everything_that_can_be_found() -> Vec<Observed> {
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
    fn whatever_is_found_and_wherever_it_is_cut_off_nothing_is_left_to_do_in_the_end() {
        for observed in everything_that_can_be_found() {
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

    /// Whether an operation on a topic is let through, where `User:*` may do everything
    /// or nothing. As Kafka decides it: a DENY beats every ALLOW.
    fn may(acls: &BTreeSet<Acl>, operation: Operation, everybody_may: bool) -> bool {
        let says = |permission| {
            acls.iter().any(|acl| {
                (acl.resource, acl.permission) == (Resource::Topic, permission)
                    && acl.pattern == Pattern::Prefixed
                    && [operation, Operation::All].contains(&acl.operation)
            })
        };
        (everybody_may || says(Permission::Allow)) && !says(Permission::Deny)
    }

    #[test]
    fn on_its_way_a_tenant_may_never_do_more_than_at_either_end() {
        for from in all_states() {
            for to in all_states() {
                let (begin, end) = (good(&from), good(&to));
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
