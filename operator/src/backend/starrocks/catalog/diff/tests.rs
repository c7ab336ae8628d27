//! Tables of what is found, and what is done about it.

use super::Step::*;
use super::*;
use crate::backend::fake::all_states;
use crate::password::Password;

fn tenant() -> TenantKey {
    TenantKey {
        slug: "acme".parse().unwrap(),
        id: "550e8400-e29b-41d4-a716-446655440000".parse().unwrap(),
    }
}

fn name() -> String {
    tenant().id.starrocks_name()
}

fn credential() -> Option<Credential> {
    Some(Credential {
        password: Password::from("right".to_owned()),
        current: true,
        mark: None,
    })
}

fn nothing() -> Observed {
    Observed {
        held: Held::default(),
        catalog: Catalog::Missing,
        credential: None,
        has_object_key: false,
        login: None,
    }
}

/// A tenant as it should be in this state.
fn good(desired: &Desired) -> Observed {
    let archived = *desired == Desired::NoAccess;
    let role = grants::Held {
        grants: wanted(&tenant(), desired),
        strange: false,
    };
    let open = Held {
        comment: None,
        role: Some(role),
        user: Some(grants::Held::default()),
        edges: [own_edge(&name())].into(),
        sessions: BTreeSet::new(),
    };
    Observed {
        held: if archived { Held::default() } else { open },
        catalog: Catalog::Own { current: true },
        credential: credential(),
        has_object_key: true,
        login: (!archived).then(|| Login::Accepted(vec![name()])),
    }
}

fn changed(desired: &Desired, change: impl Fn(&mut Observed)) -> Observed {
    let mut observed = good(desired);
    change(&mut observed);
    observed
}

fn some_grant() -> BTreeSet<grants::Grant> {
    let grant = grants::Grant {
        catalog: "default_catalog".into(),
        object: "SYSTEM".into(),
        privilege: "OPERATE".into(),
    };
    [grant].into()
}

fn strange() -> Option<grants::Held> {
    Some(grants::Held {
        grants: BTreeSet::new(),
        strange: true,
    })
}

fn admin_edge() -> Edge {
    Edge {
        role: "db_admin".into(),
        holder: own_edge(&name()).holder,
    }
}

#[test]
fn while_active() {
    let [active, ..] = all_states();
    let all = || Grant(wanted(&tenant(), &active));
    let role = || Grantee::Role(name());
    for (reason, observed, expected) in [
        ("converged", good(&active), vec![]),
        (
            "a new tenant",
            nothing(),
            vec![
                WriteCredential,
                WriteObjectKey,
                CreateCatalog,
                CreateRole,
                all(),
                CreateUser,
            ],
        ),
        (
            "the catalog was dropped",
            changed(&active, |it| {
                it.catalog = Catalog::Missing;
                it.held.role = Some(grants::Held::default());
            }),
            vec![CreateCatalog, all()],
        ),
        (
            "its properties, or the key to the object store, are others",
            changed(&active, |it| it.catalog = Catalog::Own { current: false }),
            vec![DropCatalog, CreateCatalog, all()],
        ),
        (
            "the role was dropped",
            changed(&active, |it| {
                (it.held.role, it.held.edges) = (None, BTreeSet::new());
            }),
            vec![CreateRole, all(), GrantRole],
        ),
        (
            "the user was dropped",
            changed(&active, |it| {
                (it.held.user, it.held.edges) = (None, BTreeSet::new());
                it.login = None;
            }),
            vec![CreateUser],
        ),
        (
            "the password was changed by hand",
            changed(&active, |it| it.login = Some(Login::Refused)),
            vec![SetPassword],
        ),
        (
            "the Secret was deleted",
            changed(&active, |it| (it.credential, it.login) = (None, None)),
            vec![WriteCredential, SetPassword],
        ),
        (
            "the login says nothing about the password",
            changed(&active, |it| it.login = Some(Login::Unknown)),
            vec![],
        ),
        (
            "the role isn't in use from the beginning",
            changed(&active, |it| {
                it.login = Some(Login::Accepted(vec!["NONE".into()]))
            }),
            vec![GrantRole],
        ),
        (
            "something was granted to the role",
            changed(&active, |it| {
                it.held.role.as_mut().unwrap().grants.extend(some_grant());
            }),
            vec![Revoke(some_grant(), role())],
        ),
        (
            "something was granted to the user",
            changed(&active, |it| {
                it.held.user.as_mut().unwrap().grants = some_grant();
            }),
            vec![Revoke(some_grant(), own_edge(&name()).holder)],
        ),
        (
            "a role was granted to the user",
            changed(&active, |it| it.held.edges.extend([admin_edge()])),
            vec![RevokeRole(admin_edge())],
        ),
        (
            "what can't be taken away was granted to the role",
            changed(&active, |it| it.held.role = strange()),
            vec![DropRole, CreateRole, all(), GrantRole],
        ),
        (
            "or to the user",
            changed(&active, |it| it.held.user = strange()),
            vec![DropUser, CreateUser],
        ),
    ] {
        assert_eq!(diff(&tenant(), &active, &observed), expected, "{reason}");
    }
}

#[test]
fn while_suspended() {
    let [active, suspended, _] = all_states();
    let excess = &wanted(&tenant(), &active) - &wanted(&tenant(), &suspended);
    let (last, first): (BTreeSet<_>, BTreeSet<_>) = excess
        .into_iter()
        .partition(|grant| grant.privilege == LAST_TO_GO);
    let revoke = |grants: &BTreeSet<_>| Revoke(grants.clone(), Grantee::Role(name()));
    for (reason, observed, expected) in [
        ("converged", good(&suspended), vec![]),
        (
            "from active",
            good(&active),
            vec![revoke(&first), EndConnections, revoke(&last)],
        ),
        (
            "cut off before the connections ended",
            changed(&suspended, |it| {
                it.held.role.as_mut().unwrap().grants.extend(last.clone());
            }),
            vec![EndConnections, revoke(&last)],
        ),
    ] {
        assert_eq!(diff(&tenant(), &suspended, &observed), expected, "{reason}");
    }
}

#[test]
fn while_archived() {
    let [active, _, archived] = all_states();
    for (reason, observed, expected) in [
        ("converged", good(&archived), vec![]),
        (
            "from active",
            good(&active),
            vec![DropUser, EndConnections, DropRole],
        ),
        (
            "a connection is still there",
            changed(&archived, |it| it.held.sessions.extend(["7".into()])),
            vec![EndConnections],
        ),
        (
            "the catalog isn't as it should be",
            changed(&archived, |it| it.catalog = Catalog::Own { current: false }),
            vec![],
        ),
        ("before it had anything", nothing(), vec![]),
    ] {
        assert_eq!(diff(&tenant(), &archived, &observed), expected, "{reason}");
    }
}

/// What there is after a step.
fn after(mut it: Observed, step: &Step) -> Observed {
    let held = &mut it.held;
    let role = || Grantee::Role(name());
    match step {
        RevokeRole(edge) => held.edges.retain(|it| it != edge),
        Revoke(grants, from) => {
            let target = if *from == role() {
                &mut held.role
            } else {
                &mut held.user
            };
            target
                .as_mut()
                .unwrap()
                .grants
                .retain(|grant| !grants.contains(grant));
        }
        DropUser => {
            held.user = None;
            held.edges
                .retain(|edge| edge.holder != own_edge(&name()).holder);
            it.login = None;
        }
        EndConnections => held.sessions.clear(),
        DropRole => {
            held.role = None;
            held.edges
                .retain(|edge| edge.role != name() && edge.holder != role());
        }
        WriteCredential => it.credential = credential(),
        WriteObjectKey => it.has_object_key = true,
        DropCatalog => {
            it.catalog = Catalog::Missing;
            if let Some(role) = &mut held.role {
                role.grants
                    .retain(|grant| grant.catalog != tenant().slug.catalog());
            }
        }
        CreateCatalog => it.catalog = Catalog::Own { current: true },
        CreateRole => held.role = Some(grants::Held::default()),
        Grant(grants) => held.role.as_mut().unwrap().grants.extend(grants.clone()),
        CreateUser => {
            held.user = Some(grants::Held::default());
            held.edges.insert(own_edge(&name()));
            it.login = Some(Login::Accepted(vec![name()]));
        }
        SetPassword => it.login = Some(Login::Accepted(vec![name()])),
        GrantRole => {
            held.edges.insert(own_edge(&name()));
            it.login = Some(Login::Accepted(vec![name()]));
        }
    }
    it
}

/// From whatever was found to whatever is wanted, cut off after any step.
#[test]
fn whatever_is_found_the_steps_leave_nothing_to_do() {
    let mut cases = 0;
    for observed in everything_that_can_be_found() {
        for from in all_states() {
            let begun = diff(&tenant(), &from, &observed);
            for cut in 0..=begun.len() {
                let found = begun[..cut].iter().fold(observed.clone(), after);
                for desired in all_states().into_iter().chain([Desired::Absent]) {
                    let steps = diff(&tenant(), &desired, &found);
                    let reached = steps.iter().fold(found.clone(), after);
                    assert_eq!(
                        diff(&tenant(), &desired, &reached),
                        [],
                        "{desired:?} from {found:?}"
                    );
                    cases += 1;
                }
            }
        }
    }
    assert!(cases > 10_000, "{cases}");
}

fn everything_that_can_be_found() -> Vec<Observed> {
    let mut found = Vec::new();
    let [active, suspended, _] = all_states();
    for bits in 0..512_u16 {
        let bit = |n: u16| bits & (1 << n) != 0;
        let mut it = good(if bit(0) { &active } else { &suspended });
        if bit(1) {
            it.catalog = Catalog::Own { current: false };
        }
        if bit(2) {
            it.catalog = Catalog::Missing;
            it.held.role = Some(grants::Held::default());
        }
        if bit(3) {
            it.held.role = if bit(4) { strange() } else { None };
        }
        if bit(5) {
            it.held.edges = [admin_edge()].into();
        }
        if bit(6) {
            it.login = Some(Login::Refused);
        }
        if bit(7) {
            it.held.user = if bit(4) { strange() } else { None };
            it.held.edges.remove(&own_edge(&name()));
            it.login = None;
        }
        if bit(8) {
            (it.credential, it.has_object_key) = (None, false);
            it.held.sessions = ["7".to_owned()].into();
        }
        found.push(it);
    }
    found
}

#[test]
fn a_purge_takes_the_catalog_unless_it_is_anothers() {
    let [active, _, archived] = all_states();
    for (reason, observed, expected) in [
        ("archived", good(&archived), vec![DropCatalog]),
        (
            "by hand made active again",
            good(&active),
            vec![DropUser, EndConnections, DropRole, DropCatalog],
        ),
        ("nothing is left", nothing(), vec![]),
        (
            "the catalog is another's",
            changed(&archived, |it| {
                it.catalog = Catalog::Another("theirs".into());
            }),
            vec![],
        ),
    ] {
        let steps = diff(&tenant(), &Desired::Absent, &observed);
        assert_eq!(steps, expected, "{reason}");
    }
}
