//! Steps from what PostgreSQL holds for a tenant to what is desired. Pure.

use akili_crds::Phase;

use super::model::{Observed, Step};
use crate::Desired;

/// Returns the steps to take, in order; empty when converged.
pub fn diff(desired: &Desired, observed: &Observed) -> Vec<Step> {
    match desired {
        Desired::Absent => purge(observed),
        // Archived is permanent, even if the Tenant was created again with another phase.
        _ if observed.state == Phase::Archived => close(observed),
        Desired::Writable { .. } => open(observed),
        Desired::ReadOnly(_) => restrict(observed),
        Desired::NoAccess => close(observed),
    }
}

/// Returns the steps that allow reads and writes. The state comes last, because it is
/// what allows writes.
fn open(observed: &Observed) -> Vec<Step> {
    let mut steps = login(observed);
    if observed.state != Phase::Active {
        steps.push(Step::Activate);
    }
    steps
}

/// Returns the steps that allow reads only. The state comes first: from then on new
/// writes are rejected. An open gate shows that an earlier attempt was interrupted.
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

/// Returns the steps that revoke all access. The registry archives the row, not the
/// backend. NOLOGIN comes before the sessions end, otherwise clients reconnect.
fn close(observed: &Observed) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(login) = &observed.login {
        if login.may_login || !login.matches_spec {
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

/// Returns the steps of a purge: access is revoked, then the rows are deleted, starting
/// with tables to which no other refers. Tables that refer to themselves or to each other
/// in a cycle are emptied by one statement. The login role is dropped last.
fn purge(observed: &Observed) -> Vec<Step> {
    let mut steps = close(observed);
    let rows = &observed.rows;
    let has_rows = |table: &u32| rows.iter().any(|other| other.table == *table);
    let unreferenced = rows
        .iter()
        .filter(|rows| !rows.referred_by.iter().any(has_rows));
    steps.extend(unreferenced.cloned().map(Step::DeleteRows));
    if rows.is_empty() {
        steps.extend(observed.login.iter().map(|_| Step::DropLogin));
    } else if !steps.iter().any(|step| matches!(step, Step::DeleteRows(_))) {
        steps.push(Step::DeleteRowsOfCyclicTables(rows.clone()));
    }
    steps
}

/// Returns the steps that create or repair the login role of a tenant with access.
///
/// The password is written to the Secret before it is set in PostgreSQL, and the Secret is
/// marked afterwards. After an interruption or a manual change on either side the mark
/// doesn't match, and the password is set again.
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
        .is_some_and(|login| login.may_login && login.matches_spec);
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
    use crate::Credential;
    use crate::Password;
    use crate::fixtures::all_states;
    use crate::postgres::model::{BATCH, Login, TableRows};

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

    /// Returns a tenant whose login and credential match the specification.
    fn matching(state: Phase, gate_closed: bool) -> Observed {
        Observed {
            state,
            gate_closed,
            login: Some(Login {
                may_login: true,
                matches_spec: true,
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
    fn active_tenant_gets_missing_or_changed_parts() {
        use Step::*;
        let active = || matching(Phase::Active, false);
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
                    ..matching(Phase::Provisioning, false)
                },
                vec![WriteCredential, set.clone(), Activate],
            ),
            (
                "reactivated",
                matching(Phase::Suspended, true),
                vec![Activate],
            ),
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
                "interrupted before the Secret was marked",
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
                "unexpected membership or setting",
                with_login(active(), |login| login.matches_spec = false),
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
    fn suspended_tenant_keeps_login_and_closes_gate() {
        use Step::*;
        for (reason, observed, expected) in [
            ("converged", matching(Phase::Suspended, true), vec![]),
            (
                "reading sessions stay open",
                with_login(matching(Phase::Suspended, true), |login| login.sessions = 2),
                vec![],
            ),
            (
                "was active",
                matching(Phase::Active, false),
                vec![Suspend, EndSessions, CloseGate],
            ),
            (
                "interrupted before the gate was closed",
                matching(Phase::Suspended, false),
                vec![EndSessions, CloseGate],
            ),
        ] {
            assert_eq!(diff(&read_only(), &observed), expected, "{reason}");
        }
    }

    #[test]
    fn archived_tenant_loses_login_and_sessions() {
        use Step::*;
        let archived = |gate_closed| {
            with_login(matching(Phase::Archived, gate_closed), |login| {
                login.may_login = false
            })
        };
        for (reason, observed, expected) in [
            ("converged", archived(true), vec![]),
            (
                "was active",
                matching(Phase::Archived, false),
                vec![CloseLogin, EndSessions, CloseGate],
            ),
            (
                "sessions are still open",
                with_login(archived(true), |login| login.sessions = 1),
                vec![EndSessions],
            ),
            (
                "never had a login",
                Observed {
                    login: None,
                    credential: None,
                    ..matching(Phase::Archived, true)
                },
                vec![],
            ),
        ] {
            assert_eq!(diff(&Desired::NoAccess, &observed), expected, "{reason}");
        }
    }

    #[test]
    fn archived_row_is_closed_for_any_desired_state() {
        let archived = matching(Phase::Archived, true);
        for desired in [writable(), read_only(), Desired::NoAccess] {
            let steps = diff(&desired, &archived);
            assert_eq!(steps, [Step::CloseLogin, Step::EndSessions], "{desired:?}");
        }
    }

    fn rows(table: u32, count: i64, referred_by: &[u32]) -> TableRows {
        TableRows {
            table,
            name: format!("public.t{table}"),
            count,
            referred_by: referred_by.to_vec(),
        }
    }

    /// Returns the steps of a whole purge, observation by observation, as displayed.
    fn purge_steps(rows: Vec<TableRows>) -> Vec<String> {
        let mut observed = Observed {
            rows,
            ..with_login(matching(Phase::Archived, true), |login| {
                login.may_login = false
            })
        };
        let mut displayed = Vec::new();
        loop {
            let steps = diff(&Desired::Absent, &observed);
            if steps.is_empty() {
                return displayed;
            }
            displayed.extend(steps.iter().map(Step::to_string));
            observed = steps.iter().fold(observed, after);
        }
    }

    #[test]
    fn purge_deletes_referring_rows_first_and_login_last() {
        let (customers, orders) = (rows(1, 3, &[2]), rows(2, BATCH + 1, &[]));
        let unrelated = rows(3, 1, &[9]);
        assert_eq!(
            purge_steps(vec![customers, orders, unrelated]),
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
    fn purge_empties_cyclic_tables_in_one_step() {
        let (self_referring, cycle) = (rows(1, 9, &[1]), [rows(2, 1, &[3]), rows(3, 1, &[2])]);
        assert_eq!(
            purge_steps([vec![self_referring], cycle.to_vec()].concat()),
            [
                "delete all rows of public.t1, public.t2, public.t3",
                "drop the login role"
            ]
        );
    }

    /// Returns what PostgreSQL holds after the step.
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
                matches_spec: true,
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
                left.for_each(|it| it.count -= BATCH.min(it.count));
                observed.rows.retain(|it| it.count > 0);
            }
            Step::DeleteRowsOfCyclicTables(_) => observed.rows.clear(),
            Step::DropLogin => observed.login = None,
        }
        observed
    }

    #[test]
    fn steps_from_any_observation_lead_to_convergence() {
        for observed in all_observations() {
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

    fn all_observations() -> Vec<Observed> {
        let mut all = Vec::new();
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
                        matches_spec: bit(1),
                        verifier_sha256: bit(2).then(|| "stored".to_owned()),
                        sessions: i64::from(bit(3)),
                    };
                    all.push(Observed {
                        state,
                        gate_closed: bit(4),
                        login: bit(5).then_some(login),
                        credential: credential.clone(),
                        rows: vec![],
                    });
                }
            }
        }
        all
    }
}
