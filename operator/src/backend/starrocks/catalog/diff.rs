//! From what StarRocks holds for a tenant to what it should. Pure.

use std::fmt;

use super::grants::{self, Grants, Rights};
use crate::backend::{Desired, Effect};

/// What StarRocks shows of a tenant when many are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Held {
    /// The comment of the catalog that has the tenant's name, if there is one.
    pub catalog: Option<String>,
    /// Whether the role is there.
    pub has_role: bool,
    /// Whether the user is there.
    pub has_user: bool,
    /// The roles that the user has.
    pub roles: Vec<String>,
}

/// The same, and what is looked at for one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// What StarRocks shows.
    pub held: Held,
    /// What the role may do.
    pub grants: Grants,
    /// How many connections the user has.
    pub sessions: usize,
    /// Whether the Secret `akili-starrocks` is there and as it should be.
    pub credential_is_current: bool,
    /// Whether the user is let in with the Secret's password.
    pub password_is_right: bool,
    /// The comment that the catalog should have, which has a hash of its properties;
    /// nothing without the key of the object store that is one of them.
    pub comment: Option<String>,
}

/// A tenant's names in StarRocks.
pub struct Names {
    /// The catalog.
    pub catalog: String,
    /// The role, and the user.
    pub role: String,
}

/// One thing to do. Every step can be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make the tenant's Secret, or mend it.
    WriteCredential,
    /// Make the Secret whose key the catalog has.
    WriteObjectStoreCredential,
    /// Make the catalog.
    CreateCatalog,
    /// Remove it, to make it anew: properties can't be changed. Its grants go with it.
    DropCatalog,
    /// Make the role.
    CreateRole,
    /// Make the user, with the Secret's password.
    CreateUser,
    /// Set the Secret's password.
    SetPassword,
    /// Let the role do this.
    Grant(Grants),
    /// Let the role do this no more.
    Revoke(Grants),
    /// Give the user the role.
    GiveRole,
    /// Take a role from the user.
    TakeRole(String),
    /// End the user's connections.
    KillSessions,
}

impl Step {
    /// What it does to the tenant's access.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Grant(_) | Self::GiveRole | Self::SetPassword => Effect::Opens,
            Self::Revoke(_) | Self::TakeRole(_) | Self::KillSessions | Self::DropCatalog => {
                Effect::Closes
            }
            _ => Effect::Neutral,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WriteCredential => f.write_str("write Secret akili-starrocks"),
            Self::WriteObjectStoreCredential => f.write_str("write Secret akili-object-store"),
            Self::CreateCatalog => f.write_str("make the catalog"),
            Self::DropCatalog => f.write_str("drop the catalog, to make it anew"),
            Self::CreateRole => f.write_str("make the role"),
            Self::CreateUser => f.write_str("make the user, with the Secret's password"),
            Self::SetPassword => f.write_str("set the Secret's password"),
            Self::Grant(what) => write!(f, "grant {}", grants::words(what)),
            Self::Revoke(what) => write!(f, "revoke {}", grants::words(what)),
            Self::GiveRole => f.write_str("give the user its role"),
            Self::TakeRole(role) => write!(f, "take the role {role} from the user"),
            Self::KillSessions => f.write_str("end the tenant's sessions"),
        }
    }
}

/// What is to be done, in this order; nothing if StarRocks holds what it should.
pub fn diff(names: &Names, desired: &Desired, observed: &Observed) -> Vec<Step> {
    match desired {
        Desired::Writable { .. } => grant(names, Rights::ReadWrite, observed),
        Desired::ReadOnly(_) => grant(names, Rights::Read, observed),
        Desired::NoAccess => close(observed),
    }
}

/// What is too much goes first, and with it the sessions that use it; what lets the
/// tenant in comes last.
fn grant(names: &Names, rights: Rights, observed: &Observed) -> Vec<Step> {
    let held = &observed.held;
    let wanted = grants::wanted(&names.catalog, rights);
    let mut steps = Vec::new();
    let extra = grants::beyond(&observed.grants, &wanted);
    if !extra.is_empty() {
        steps.extend([Step::Revoke(extra), Step::KillSessions]);
    }
    let others = held.roles.iter().filter(|role| **role != names.role);
    steps.extend(others.map(|role| Step::TakeRole(role.clone())));

    if observed.comment.is_none() {
        steps.push(Step::WriteObjectStoreCredential);
    }
    let mut there = observed.grants.clone();
    if held.catalog.is_none() || held.catalog != observed.comment {
        if held.catalog.is_some() {
            steps.push(Step::DropCatalog);
        }
        steps.push(Step::CreateCatalog);
        there.clear();
    }
    if !held.has_role {
        steps.push(Step::CreateRole);
    }
    if !observed.credential_is_current {
        steps.push(Step::WriteCredential);
    }
    if !held.has_user {
        steps.push(Step::CreateUser);
    } else if !observed.password_is_right {
        steps.push(Step::SetPassword);
    }
    let missing = grants::beyond(&wanted, &there);
    if !missing.is_empty() {
        steps.push(Step::Grant(missing));
    }
    if !held.roles.contains(&names.role) {
        steps.push(Step::GiveRole);
    }
    steps
}

fn close(observed: &Observed) -> Vec<Step> {
    let roles = observed.held.roles.iter();
    let mut steps: Vec<Step> = roles.map(|role| Step::TakeRole(role.clone())).collect();
    if !observed.grants.is_empty() {
        steps.push(Step::Revoke(observed.grants.clone()));
    }
    if !steps.is_empty() || observed.sessions > 0 {
        steps.push(Step::KillSessions);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::fake::all_states;

    fn names() -> Names {
        Names {
            catalog: "tenant_acme_catalog".into(),
            role: "tenant_1".into(),
        }
    }

    fn nothing() -> Observed {
        Observed {
            held: Held::default(),
            grants: Grants::new(),
            sessions: 0,
            credential_is_current: false,
            password_is_right: false,
            comment: None,
        }
    }

    fn steps(desired: &Desired, observed: &Observed) -> Vec<Step> {
        diff(&names(), desired, observed)
    }

    fn words(desired: &Desired, observed: &Observed) -> Vec<String> {
        steps(desired, observed)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    /// What StarRocks makes of a step: with a catalog its grants go.
    fn take(observed: &mut Observed, step: &Step) {
        let held = &mut observed.held;
        match step {
            Step::WriteCredential => observed.credential_is_current = true,
            Step::WriteObjectStoreCredential => observed.comment = Some("right".into()),
            Step::CreateCatalog => held.catalog = Some("right".into()),
            Step::DropCatalog => {
                held.catalog = None;
                observed.grants.clear();
            }
            Step::CreateRole => held.has_role = true,
            Step::CreateUser => {
                held.has_user = true;
                observed.password_is_right = true;
            }
            Step::SetPassword => observed.password_is_right = true,
            Step::Grant(what) => {
                for (on, privileges) in what.clone() {
                    observed.grants.entry(on).or_default().extend(privileges);
                }
            }
            Step::Revoke(what) => observed.grants = grants::beyond(&observed.grants, what),
            Step::GiveRole => held.roles.push("tenant_1".into()),
            Step::TakeRole(role) => held.roles.retain(|it| it != role),
            Step::KillSessions => observed.sessions = 0,
        }
    }

    fn reach(desired: &Desired, mut observed: Observed) -> Observed {
        for step in steps(desired, &observed) {
            take(&mut observed, &step);
        }
        observed
    }

    #[test]
    fn every_state_is_reached_from_every_other_although_steps_are_cut_off() {
        for from in &all_states() {
            for to in &all_states() {
                let start = reach(from, nothing());
                for taken in 0..=steps(to, &start).len() {
                    let mut cut_off = start.clone();
                    for step in steps(to, &start).iter().take(taken) {
                        take(&mut cut_off, step);
                    }
                    let end = reach(to, cut_off);
                    assert_eq!(words(to, &end), [""; 0], "{from:?} → {to:?} after {taken}");
                }
            }
        }
    }

    #[test]
    fn suspending_takes_what_writes_and_ends_sessions_first() {
        let [active, suspended, archived] = all_states();
        let open = reach(&active, nothing());
        assert_eq!(
            words(&suspended, &open),
            [
                "revoke ALTER, CREATE TABLE, DROP on ALL DATABASES; \
                 ALTER, DELETE, DROP, INSERT, UPDATE on ALL TABLES IN ALL DATABASES; \
                 CREATE DATABASE on CATALOG tenant_acme_catalog",
                "end the tenant's sessions",
            ]
        );
        assert_eq!(
            words(&archived, &open).first().map(String::as_str),
            Some("take the role tenant_1 from the user")
        );
    }

    #[test]
    fn whatever_was_changed_by_hand_is_mended() {
        let [active, ..] = all_states();
        type Harm = fn(&mut Observed);
        let cases: [(Harm, &[&str]); 7] = [
            (|it| it.held.has_role = false, &["make the role"]),
            (
                |it| it.password_is_right = false,
                &["set the Secret's password"],
            ),
            (|it| it.held.roles.clear(), &["give the user its role"]),
            (
                |it| it.held.roles.push("cluster_admin".into()),
                &["take the role cluster_admin from the user"],
            ),
            (
                |it| it.credential_is_current = false,
                &["write Secret akili-starrocks"],
            ),
            (
                |it| {
                    it.grants
                        .insert("SYSTEM".into(), ["OPERATE".to_owned()].into());
                },
                &["revoke OPERATE on SYSTEM", "end the tenant's sessions"],
            ),
            (
                |it| {
                    it.grants.remove("ALL DATABASES");
                },
                &["grant ALTER, CREATE TABLE, DROP on ALL DATABASES"],
            ),
        ];
        for (harm, mending) in cases {
            let mut observed = reach(&active, nothing());
            harm(&mut observed);
            assert_eq!(words(&active, &observed), mending);
        }
    }

    #[test]
    fn a_catalog_with_other_properties_is_made_anew_and_granted_again() {
        let [active, ..] = all_states();
        let mut observed = reach(&active, nothing());
        observed.held.catalog = Some("other".into());
        let words = words(&active, &observed);
        assert_eq!(
            words[..2],
            ["drop the catalog, to make it anew", "make the catalog"]
        );
        assert!(words[2].starts_with("grant "), "{words:?}");
    }
}
