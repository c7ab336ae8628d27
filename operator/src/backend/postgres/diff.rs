//! From what PostgreSQL holds for a tenant to what it should: pure.

use std::fmt;

use akili_crds::Phase;

use crate::backend::Desired;
use crate::backend::credentials::Credential;

/// What PostgreSQL holds for a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The state of the tenant's row in the registry.
    pub state: Phase,
    /// Whether all who were writing when the state changed are known to be done.
    pub gate_closed: bool,
    /// The tenant's login, if there is one.
    pub login: Option<Login>,
    /// What the tenant's Secret says, if there is one.
    pub credential: Option<Credential>,
    /// The tables in which the tenant has rows; only looked at for a purge.
    pub rows: Vec<Rows>,
}

/// The most rows of a table that one step deletes.
pub const BATCH: i64 = 10_000;

/// A tenant's rows in one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// The table's oid.
    pub table: u32,
    /// Its name, qualified and quoted.
    pub name: String,
    /// How many there are; one more than a batch stands for whatever is more.
    pub found: i64,
    /// The tables that have foreign keys to it.
    pub referred_by: Vec<u32>,
}

/// A tenant's login role.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Login {
    /// Whether it is LOGIN.
    pub may_login: bool,
    /// Whether attributes, membership and settings are as they should be.
    pub sound: bool,
    /// SHA-256, in hex, of the stored password.
    pub verifier_sha256: Option<String>,
    /// How many sessions it has although it isn't LOGIN.
    pub sessions: i64,
}

/// One thing to do. Every step can be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make the tenant's Secret, or mend it.
    WriteCredential,
    /// Make the login what it should be: able to log in, and with the Secret's
    /// password if that is to be set.
    OpenLogin {
        /// Whether to set the password; else it stays.
        set_password: bool,
    },
    /// Make the login what it should be, but unable to log in.
    CloseLogin,
    /// Let writers in: the row's state becomes ACTIVE.
    Activate,
    /// Turn new writers away: the row's state becomes SUSPENDED.
    Suspend,
    /// End the sessions of the tenant's login.
    EndSessions,
    /// Wait for those who are writing, and end their sessions.
    CloseGate,
    /// Delete a batch of the tenant's rows.
    DeleteRows(Rows),
    /// Delete all of the tenant's rows in these tables, which refer to each other.
    DeleteKnot(Vec<Rows>),
    /// Drop the login.
    DropLogin,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WriteCredential => "write Secret akili-postgres",
            Self::OpenLogin { set_password: true } => {
                "make the login role, with the Secret's password"
            }
            Self::OpenLogin {
                set_password: false,
            } => "mend the login role",
            Self::CloseLogin => "close the login role",
            Self::Activate => "let the tenant read and write",
            Self::Suspend => "let the tenant read only",
            Self::EndSessions => "end the tenant's sessions",
            Self::CloseGate => "wait for the tenant's writers",
            Self::DeleteRows(Rows { name, found, .. }) => {
                let more = if *found > BATCH { "more than " } else { "" };
                return write!(f, "delete {more}{} rows of {name}", BATCH.min(*found));
            }
            Self::DeleteKnot(tables) => {
                let names: Vec<_> = tables.iter().map(|rows| rows.name.as_str()).collect();
                return write!(f, "delete all rows of {}", names.join(", "));
            }
            Self::DropLogin => "drop the login role",
        })
    }
}

/// What is to be done, in this order; nothing if PostgreSQL holds what it should.
pub fn diff(desired: &Desired, observed: &Observed) -> Vec<Step> {
    match desired {
        Desired::Absent => purge(observed),
        // Archived is for ever, whatever a Tenant says that was made again.
        _ if observed.state == Phase::Archived => close(observed),
        Desired::Writable { .. } => open(observed),
        Desired::ReadOnly(_) => restrict(observed),
        Desired::NoAccess => close(observed),
    }
}

/// The login first: the state is what lets it write.
fn open(observed: &Observed) -> Vec<Step> {
    let mut steps = login(observed);
    if observed.state != Phase::Active {
        steps.push(Step::Activate);
    }
    steps
}

/// The state first: from then on nobody new writes. A gate that isn't closed yet
/// shows that an earlier attempt got no further.
fn restrict(observed: &Observed) -> Vec<Step> {
    let mut steps = Vec::new();
    let suspended = observed.state == Phase::Suspended;
    if !suspended {
        steps.push(Step::Suspend);
    }
    if !suspended || !observed.gate_closed {
        steps.extend([Step::EndSessions, Step::CloseGate]);
    }
    steps.extend(login(observed));
    steps
}

/// The registry has archived the row before: that is not a backend's to decide.
/// NOLOGIN comes before the sessions end, or they'd be back.
fn close(observed: &Observed) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(login) = &observed.login {
        if login.may_login || !login.sound {
            steps.push(Step::CloseLogin);
        }
        if login.may_login || login.sessions > 0 {
            steps.push(Step::EndSessions);
        }
    }
    if !observed.gate_closed {
        steps.push(Step::CloseGate);
    }
    steps
}

/// Nobody gets in, then the rows go: those first to which no others refer. Where tables
/// refer to themselves or to each other in a circle, all that are left go at once.
fn purge(observed: &Observed) -> Vec<Step> {
    let mut steps = close(observed);
    let rows = &observed.rows;
    let is_left = |table: &u32| rows.iter().any(|other| other.table == *table);
    let free = rows
        .iter()
        .filter(|rows| !rows.referred_by.iter().any(is_left));
    steps.extend(free.cloned().map(Step::DeleteRows));
    if rows.is_empty() {
        steps.extend(observed.login.iter().map(|_| Step::DropLogin));
    } else if !steps.iter().any(|step| matches!(step, Step::DeleteRows(_))) {
        steps.push(Step::DeleteKnot(rows.clone()));
    }
    steps
}

/// The steps that make the login what it should be while the tenant has access.
///
/// The password is in the Secret before it is set, and the Secret is marked after:
/// so whatever was cut off or changed by hand, it is set again.
fn login(observed: &Observed) -> Vec<Step> {
    let mut steps = Vec::new();
    if observed.credential.as_ref().is_none_or(|it| !it.current) {
        steps.push(Step::WriteCredential);
    }
    let password_is_set = match (&observed.credential, &observed.login) {
        (Some(credential), Some(login)) => login
            .verifier_sha256
            .as_ref()
            .is_some_and(|stored| credential.is_marked_for(stored)),
        _ => false,
    };
    let is_open = observed
        .login
        .as_ref()
        .is_some_and(|login| login.may_login && login.sound);
    if !(password_is_set && is_open) {
        steps.push(Step::OpenLogin {
            set_password: !password_is_set,
        });
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::fake::all_states;
    use crate::password::Password;

    fn writable() -> Desired {
        let [writable, ..] = all_states();
        writable
    }

    fn read_only() -> Desired {
        let [_, read_only, _] = all_states();
        read_only
    }

    fn credential(marked_for: Option<&str>) -> Credential {
        let password = Password::from("right".to_owned());
        let mark = marked_for.map(|stored| password.mark(stored));
        Credential {
            password,
            current: true,
            mark,
        }
    }

    /// A tenant as it should be while its state is this.
    fn good(state: Phase, gate_closed: bool) -> Observed {
        Observed {
            state,
            gate_closed,
            login: Some(Login {
                may_login: true,
                sound: true,
                verifier_sha256: Some("stored".into()),
                sessions: 0,
            }),
            credential: Some(credential(Some("stored"))),
            rows: vec![],
        }
    }

    fn with_login(mut observed: Observed, change: impl Fn(&mut Login)) -> Observed {
        observed.login.iter_mut().for_each(change);
        observed
    }

    #[test]
    fn while_active() {
        use Step::*;
        let active = || good(Phase::Active, false);
        let set = OpenLogin { set_password: true };
        let keep = OpenLogin {
            set_password: false,
        };
        for (reason, observed, expected) in [
            ("converged", active(), vec![]),
            (
                "a new tenant",
                Observed {
                    login: None,
                    credential: None,
                    ..good(Phase::Provisioning, false)
                },
                vec![WriteCredential, set.clone(), Activate],
            ),
            ("reactivated", good(Phase::Suspended, true), vec![Activate]),
            (
                "the role was dropped",
                Observed {
                    login: None,
                    ..active()
                },
                vec![set.clone()],
            ),
            (
                "the Secret was deleted",
                Observed {
                    credential: None,
                    ..active()
                },
                vec![WriteCredential, set.clone()],
            ),
            (
                "cut off before the Secret was marked",
                Observed {
                    credential: Some(credential(None)),
                    ..active()
                },
                vec![set.clone()],
            ),
            (
                "the password was changed in PostgreSQL",
                with_login(active(), |login| {
                    login.verifier_sha256 = Some("other".into())
                }),
                vec![set.clone()],
            ),
            (
                "the password was removed from PostgreSQL",
                with_login(active(), |login| login.verifier_sha256 = None),
                vec![set],
            ),
            (
                "another membership or setting",
                with_login(active(), |login| login.sound = false),
                vec![keep.clone()],
            ),
            (
                "NOLOGIN",
                with_login(active(), |login| login.may_login = false),
                vec![keep],
            ),
        ] {
            assert_eq!(diff(&writable(), &observed), expected, "{reason}");
        }
    }

    #[test]
    fn while_suspended() {
        use Step::*;
        for (reason, observed, expected) in [
            ("converged", good(Phase::Suspended, true), vec![]),
            (
                "readers may stay",
                with_login(good(Phase::Suspended, true), |login| login.sessions = 2),
                vec![],
            ),
            (
                "from active",
                good(Phase::Active, false),
                vec![Suspend, EndSessions, CloseGate],
            ),
            (
                "cut off before the gate was closed",
                good(Phase::Suspended, false),
                vec![EndSessions, CloseGate],
            ),
        ] {
            assert_eq!(diff(&read_only(), &observed), expected, "{reason}");
        }
    }

    #[test]
    fn while_archived() {
        use Step::*;
        let archived = |gate_closed| {
            with_login(good(Phase::Archived, gate_closed), |login| {
                login.may_login = false
            })
        };
        for (reason, observed, expected) in [
            ("converged", archived(true), vec![]),
            (
                "from active",
                good(Phase::Archived, false),
                vec![CloseLogin, EndSessions, CloseGate],
            ),
            (
                "its sessions are still there",
                with_login(archived(true), |login| login.sessions = 1),
                vec![EndSessions],
            ),
            (
                "before it had a login",
                Observed {
                    login: None,
                    credential: None,
                    ..good(Phase::Archived, true)
                },
                vec![],
            ),
        ] {
            assert_eq!(diff(&Desired::NoAccess, &observed), expected, "{reason}");
        }
    }

    #[test]
    fn an_archived_tenant_is_not_opened_again() {
        let archived = good(Phase::Archived, true);
        for desired in [writable(), read_only(), Desired::NoAccess] {
            let steps = diff(&desired, &archived);
            assert_eq!(steps, [Step::CloseLogin, Step::EndSessions], "{desired:?}");
        }
    }

    fn rows(table: u32, found: i64, referred_by: &[u32]) -> Rows {
        Rows {
            table,
            name: format!("public.t{table}"),
            found,
            referred_by: referred_by.to_vec(),
        }
    }

    /// What a purge does look by look, in words.
    fn purged(rows: Vec<Rows>) -> Vec<String> {
        let mut observed = Observed {
            rows,
            ..with_login(good(Phase::Archived, true), |login| login.may_login = false)
        };
        let mut words = Vec::new();
        loop {
            let steps = diff(&Desired::Absent, &observed);
            if steps.is_empty() {
                return words;
            }
            words.extend(steps.iter().map(Step::to_string));
            observed = steps.iter().fold(observed, after);
        }
    }

    #[test]
    fn a_purge_deletes_rows_before_those_that_they_refer_to_and_the_login_last() {
        let (customers, orders) = (rows(1, 3, &[2]), rows(2, BATCH + 1, &[]));
        let unrelated = rows(3, 1, &[9]);
        assert_eq!(
            purged(vec![customers, orders, unrelated]),
            [
                "delete more than 10000 rows of public.t2",
                "delete 1 rows of public.t3",
                "delete 1 rows of public.t2",
                "delete 3 rows of public.t1",
                "drop the login role",
            ]
        );
    }

    #[test]
    fn tables_that_refer_to_each_other_are_emptied_together() {
        let (self_made, circle) = (rows(1, 9, &[1]), [rows(2, 1, &[3]), rows(3, 1, &[2])]);
        assert_eq!(
            purged([vec![self_made], circle.to_vec()].concat()),
            [
                "delete all rows of public.t1, public.t2, public.t3",
                "drop the login role"
            ]
        );
    }

    /// What there is after a step.
    fn after(mut observed: Observed, step: &Step) -> Observed {
        let mut ensure = |may_login, set_password| {
            let old = observed.login.take();
            let stored = if set_password {
                observed.credential = Some(credential(Some("new")));
                Some("new".to_owned())
            } else {
                old.as_ref().and_then(|login| login.verifier_sha256.clone())
            };
            let sessions = old.map_or(0, |login| login.sessions);
            observed.login = Some(Login {
                may_login,
                sound: true,
                verifier_sha256: stored,
                sessions,
            });
        };
        match step {
            Step::WriteCredential => observed.credential = Some(credential(None)),
            Step::OpenLogin { set_password } => ensure(true, *set_password),
            Step::CloseLogin => ensure(false, false),
            Step::Activate => (observed.state, observed.gate_closed) = (Phase::Active, false),
            Step::Suspend => observed.state = Phase::Suspended,
            Step::EndSessions => observed = with_login(observed, |login| login.sessions = 0),
            Step::CloseGate => observed.gate_closed = true,
            Step::DeleteRows(rows) => {
                let left = observed.rows.iter_mut().filter(|it| it.table == rows.table);
                left.for_each(|it| it.found -= BATCH.min(it.found));
                observed.rows.retain(|it| it.found > 0);
            }
            Step::DeleteKnot(_) => observed.rows.clear(),
            Step::DropLogin => observed.login = None,
        }
        observed
    }

    #[test]
    fn whatever_is_found_the_steps_leave_nothing_to_do() {
        for observed in everything_that_can_be_found() {
            for desired in [writable(), read_only(), Desired::NoAccess, Desired::Absent] {
                let steps = diff(&desired, &observed);
                let reached = steps.iter().fold(observed.clone(), after);
                assert_eq!(
                    diff(&desired, &reached),
                    [],
                    "{desired:?} from {observed:?}"
                );
            }
        }
    }

    fn everything_that_can_be_found() -> Vec<Observed> {
        let mut found = Vec::new();
        let credentials = [
            None,
            Some(credential(None)),
            Some(credential(Some("stored"))),
        ];
        for state in Phase::ALL {
            for credential in &credentials {
                for bits in 0..64_u8 {
                    let bit = |n: u8| bits & (1 << n) != 0;
                    let login = Login {
                        may_login: bit(0),
                        sound: bit(1),
                        verifier_sha256: bit(2).then(|| "stored".to_owned()),
                        sessions: i64::from(bit(3)),
                    };
                    found.push(Observed {
                        state,
                        gate_closed: bit(4),
                        login: bit(5).then_some(login),
                        credential: credential.clone(),
                        rows: vec![],
                    });
                }
            }
        }
        found
    }
}
