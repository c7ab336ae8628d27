//! From what PostgreSQL holds for a tenant to what it should: pure.

use akili_crds::Phase;

use super::scram::Verifier;

/// What PostgreSQL should let a tenant do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Read and write, with this password.
    Writable(Verifier),
    /// Read, with this password.
    ReadOnly(Verifier),
    /// Nothing. The registry has archived the row already: that is not undone.
    NoAccess,
    /// The tenant's login is gone as well.
    Absent,
}

/// What PostgreSQL holds for a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The state of the tenant's row in the registry.
    pub state: Phase,
    /// Whether all who were writing when the state changed are known to be done.
    pub gate_closed: bool,
    /// The tenant's login, if there is one.
    pub login: Option<Login>,
}

/// A tenant's login role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Whether it is LOGIN.
    pub may_login: bool,
    /// Whether attributes, membership and settings are as they should be.
    pub sound: bool,
    /// SHA-256, in hex, of the stored password.
    pub verifier_sha256: Option<String>,
    /// How many sessions it has.
    pub sessions: i64,
}

/// One thing to do. Every step can be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make the login what it should be; without a verifier its password stays.
    EnsureLogin {
        /// Whether it is LOGIN.
        may_login: bool,
        /// The password, if it is to be set.
        verifier: Option<Verifier>,
    },
    /// Let writers in: the row's state becomes ACTIVE.
    Activate,
    /// Turn new writers away: the row's state becomes SUSPENDED.
    Suspend,
    /// End the sessions of the tenant's login.
    EndSessions,
    /// Wait for those who are writing, and end their sessions if it takes long.
    CloseGate,
    /// Drop the login.
    DropLogin,
}

/// What is to be done, in this order; nothing if PostgreSQL holds what it should.
pub fn diff(wanted: &Wanted, observed: &Observed) -> Vec<Step> {
    match wanted {
        Wanted::Writable(verifier) => open(verifier, observed),
        Wanted::ReadOnly(verifier) => restrict(verifier, observed),
        Wanted::NoAccess => close(observed),
        Wanted::Absent => remove(observed),
    }
}

/// The login first: the state is what lets it write.
fn open(verifier: &Verifier, observed: &Observed) -> Vec<Step> {
    let mut steps: Vec<Step> = login(verifier, observed).into_iter().collect();
    if observed.state != Phase::Active {
        steps.push(Step::Activate);
    }
    steps
}

/// The state first: from then on nobody new writes. A gate that isn't closed yet
/// shows that an earlier attempt got no further.
fn restrict(verifier: &Verifier, observed: &Observed) -> Vec<Step> {
    let mut steps = Vec::new();
    if observed.state != Phase::Suspended {
        steps.push(Step::Suspend);
    }
    if observed.state != Phase::Suspended || !observed.gate_closed {
        steps.extend([Step::EndSessions, Step::CloseGate]);
    }
    steps.extend(login(verifier, observed));
    steps
}

/// NOLOGIN before the sessions end, or they'd be back.
fn close(observed: &Observed) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(login) = &observed.login {
        if login.may_login || !login.sound {
            steps.push(Step::EnsureLogin { may_login: false, verifier: None });
        }
        if login.sessions > 0 {
            steps.push(Step::EndSessions);
        }
    }
    if !observed.gate_closed {
        steps.push(Step::CloseGate);
    }
    steps
}

fn remove(observed: &Observed) -> Vec<Step> {
    let mut steps = close(observed);
    if observed.login.is_some() {
        steps.push(Step::DropLogin);
    }
    steps
}

/// The step that makes the login what it should be while the tenant has access.
fn login(verifier: &Verifier, observed: &Observed) -> Option<Step> {
    let stored = observed.login.as_ref().and_then(|login| login.verifier_sha256.as_ref());
    let password_is_set = stored == Some(&verifier.sha256());
    let as_it_should_be = observed
        .login
        .as_ref()
        .is_some_and(|login| login.may_login && login.sound && password_is_set);
    (!as_it_should_be).then(|| Step::EnsureLogin {
        may_login: true,
        verifier: (!password_is_set).then(|| verifier.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verifier(password: &str) -> Verifier {
        Verifier::new("550e8400-e29b-41d4-a716-446655440000".parse().unwrap(), password)
    }

    fn good_login() -> Login {
        Login {
            may_login: true,
            sound: true,
            verifier_sha256: Some(verifier("right").sha256()),
            sessions: 0,
        }
    }

    fn observed(state: Phase, gate_closed: bool, login: Option<Login>) -> Observed {
        Observed { state, gate_closed, login }
    }

    #[test]
    fn each_difference_has_its_steps() {
        let set = |verifier| Step::EnsureLogin { may_login: true, verifier };
        let nologin = || Step::EnsureLogin { may_login: false, verifier: None };
        let right = || verifier("right");
        let login = |change: fn(&mut Login)| {
            let mut login = good_login();
            change(&mut login);
            Some(login)
        };
        let good = || Some(good_login());

        for (reason, wanted, observed, expected) in [
            ("converged", Wanted::Writable(right()), observed(Phase::Active, false, good()), vec![]),
            ("a new tenant", Wanted::Writable(right()), observed(Phase::Provisioning, false, None), vec![set(Some(right())), Step::Activate]),
            ("the role was dropped by hand", Wanted::Writable(right()), observed(Phase::Active, false, None), vec![set(Some(right()))]),
            ("the password was changed by hand", Wanted::Writable(right()), observed(Phase::Active, false, login(|l| l.verifier_sha256 = Some("other".into()))), vec![set(Some(right()))]),
            ("the password was removed by hand", Wanted::Writable(right()), observed(Phase::Active, false, login(|l| l.verifier_sha256 = None)), vec![set(Some(right()))]),
            ("another membership: the password stays", Wanted::Writable(right()), observed(Phase::Active, false, login(|l| l.sound = false)), vec![set(None)]),
            ("NOLOGIN by hand", Wanted::Writable(right()), observed(Phase::Active, false, login(|l| l.may_login = false)), vec![set(None)]),
            ("reactivated", Wanted::Writable(right()), observed(Phase::Suspended, true, good()), vec![Step::Activate]),
            ("suspended", Wanted::ReadOnly(right()), observed(Phase::Active, false, good()), vec![Step::Suspend, Step::EndSessions, Step::CloseGate]),
            ("suspended, cut off before the gate", Wanted::ReadOnly(right()), observed(Phase::Suspended, false, good()), vec![Step::EndSessions, Step::CloseGate]),
            ("suspended already; readers stay", Wanted::ReadOnly(right()), observed(Phase::Suspended, true, login(|l| l.sessions = 2)), vec![]),
            ("archived", Wanted::NoAccess, observed(Phase::Archived, false, login(|l| l.sessions = 2)), vec![nologin(), Step::EndSessions, Step::CloseGate]),
            ("archived, sessions not gone yet", Wanted::NoAccess, observed(Phase::Archived, true, login(|l| { l.may_login = false; l.sessions = 1 })), vec![Step::EndSessions]),
            ("archived already", Wanted::NoAccess, observed(Phase::Archived, true, login(|l| l.may_login = false)), vec![]),
            ("archived while being provisioned", Wanted::NoAccess, observed(Phase::Archived, true, None), vec![]),
            ("purged", Wanted::Absent, observed(Phase::Archived, true, login(|l| l.may_login = false)), vec![Step::DropLogin]),
            ("purged already", Wanted::Absent, observed(Phase::Archived, true, None), vec![]),
        ] {
            assert_eq!(diff(&wanted, &observed), expected, "{reason}");
        }
    }

    /// What PostgreSQL holds after a step.
    fn after(mut observed: Observed, step: &Step) -> Observed {
        match step {
            Step::EnsureLogin { may_login, verifier } => {
                let old = observed.login.take();
                let verifier = verifier.as_ref().map(Verifier::sha256);
                observed.login = Some(Login {
                    may_login: *may_login,
                    sound: true,
                    verifier_sha256: verifier.or_else(|| old.as_ref()?.verifier_sha256.clone()),
                    sessions: old.map_or(0, |old| old.sessions),
                });
            }
            Step::Activate => (observed.state, observed.gate_closed) = (Phase::Active, false),
            Step::Suspend => observed.state = Phase::Suspended,
            Step::EndSessions => {
                if let Some(login) = &mut observed.login {
                    login.sessions = 0;
                }
            }
            Step::CloseGate => observed.gate_closed = true,
            Step::DropLogin => observed.login = None,
        }
        observed
    }

    #[test]
    fn whatever_is_found_the_steps_lead_to_nothing_left_to_do() {
        let states = [Phase::Provisioning, Phase::Active, Phase::Suspended, Phase::Archived];
        for state in states {
            for bits in 0..32_u8 {
                let bit = |n: u8| bits & (1 << n) != 0;
                let login = Login {
                    may_login: bit(0),
                    sound: bit(1),
                    verifier_sha256: bit(2).then(|| verifier("right").sha256()),
                    sessions: i64::from(bit(3)),
                };
                for login in [None, Some(login)] {
                    for wanted in wishes(state) {
                        let found = observed(state, bit(4), login.clone());
                        let steps = diff(&wanted, &found);
                        let reached = steps.iter().fold(found.clone(), after);
                        assert_eq!(diff(&wanted, &reached), [], "{wanted:?} from {found:?}");
                    }
                }
            }
        }
    }

    /// What can be wanted of a tenant whose row says this: archived is for ever.
    fn wishes(state: Phase) -> Vec<Wanted> {
        if state == Phase::Archived {
            vec![Wanted::NoAccess, Wanted::Absent]
        } else {
            vec![Wanted::Writable(verifier("right")), Wanted::ReadOnly(verifier("right"))]
        }
    }
}
