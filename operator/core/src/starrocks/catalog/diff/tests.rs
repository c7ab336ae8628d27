//! Tables of observations and expected steps.

use super::Step::*;
use super::*;
use crate::Credential;
use crate::Password;
use crate::fixtures::all_states;

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

/// Returns the converged observation of this state.
fn converged(desired: &Desired) -> Observed {
    let archived = *desired == Desired::NoAccess;
    let role = Privileges {
        grants: desired_grants(&tenant(), desired),
        has_unmanageable_grants: false,
    };
    let open = Held {
        comment: None,
        role: Some(role),
        user: Some(Privileges::default()),
        edges: [own_edge(&name())].into(),
        connections: BTreeSet::new(),
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
    let mut observed = converged(desired);
    change(&mut observed);
    observed
}

fn some_grant() -> BTreeSet<super::Grant> {
    let grant = super::Grant {
        catalog: "default_catalog".into(),
        object: "SYSTEM".into(),
        privilege: "OPERATE".into(),
    };
    [grant].into()
}

fn unmanageable() -> Option<Privileges> {
    Some(Privileges {
        grants: BTreeSet::new(),
        has_unmanageable_grants: true,
    })
}

fn admin_edge() -> Edge {
    Edge {
        role: "db_admin".into(),
        holder: own_edge(&name()).holder,
    }
}

#[test]
fn active_tenant_gets_expected_steps() {
    let [active, ..] = all_states();
    let all = || Grant(desired_grants(&tenant(), &active));
    let role = || Grantee::Role(name());
    for (reason, observed, expected) in [
        ("converged", converged(&active), vec![]),
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
                it.held.role = Some(Privileges::default());
            }),
            vec![CreateCatalog, all()],
        ),
        (
            "its properties, or the key to the object store, differ",
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
            changed(&active, |it| it.login = Some(Login::Rejected)),
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
            "the role isn't a default role",
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
            "a grant that can't be revoked was given to the role",
            changed(&active, |it| it.held.role = unmanageable()),
            vec![DropRole, CreateRole, all(), GrantRole],
        ),
        (
            "a grant that can't be revoked was given to the user",
            changed(&active, |it| it.held.user = unmanageable()),
            vec![DropUser, CreateUser],
        ),
    ] {
        assert_eq!(diff(&tenant(), &active, &observed), expected, "{reason}");
    }
}

#[test]
fn suspended_tenant_gets_expected_steps() {
    let [active, suspended, _] = all_states();
    let excess = &desired_grants(&tenant(), &active) - &desired_grants(&tenant(), &suspended);
    let (last, first): (BTreeSet<_>, BTreeSet<_>) = excess
        .into_iter()
        .partition(|grant| grant.privilege == LAST_TO_GO);
    let revoke = |grants: &BTreeSet<_>| Revoke(grants.clone(), Grantee::Role(name()));
    for (reason, observed, expected) in [
        ("converged", converged(&suspended), vec![]),
        (
            "from active",
            converged(&active),
            vec![revoke(&first), KillConnections, revoke(&last)],
        ),
        (
            "interrupted before connections were killed",
            changed(&suspended, |it| {
                it.held.role.as_mut().unwrap().grants.extend(last.clone());
            }),
            vec![KillConnections, revoke(&last)],
        ),
    ] {
        assert_eq!(diff(&tenant(), &suspended, &observed), expected, "{reason}");
    }
}

#[test]
fn archived_tenant_gets_expected_steps() {
    let [active, _, archived] = all_states();
    for (reason, observed, expected) in [
        ("converged", converged(&archived), vec![]),
        (
            "from active",
            converged(&active),
            vec![DropUser, KillConnections, DropRole],
        ),
        (
            "a connection is left",
            changed(&archived, |it| it.held.connections.extend(["7".into()])),
            vec![KillConnections],
        ),
        (
            "the catalog has old properties",
            changed(&archived, |it| it.catalog = Catalog::Own { current: false }),
            vec![],
        ),
        ("before it had anything", nothing(), vec![]),
    ] {
        assert_eq!(diff(&tenant(), &archived, &observed), expected, "{reason}");
    }
}

/// Returns the observation after a step.
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
        KillConnections => held.connections.clear(),
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
        CreateRole => held.role = Some(Privileges::default()),
        Grant(grants) => held.role.as_mut().unwrap().grants.extend(grants.clone()),
        CreateUser => {
            held.user = Some(Privileges::default());
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

/// From every observation to every desired state, interrupted after every step.
#[test]
fn interrupted_steps_converge_from_every_observation() {
    let mut cases = 0;
    for observed in all_observations() {
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

fn all_observations() -> Vec<Observed> {
    let mut found = Vec::new();
    let [active, suspended, _] = all_states();
    for bits in 0..512_u16 {
        let bit = |n: u16| bits & (1 << n) != 0;
        let mut it = converged(if bit(0) { &active } else { &suspended });
        if bit(1) {
            it.catalog = Catalog::Own { current: false };
        }
        if bit(2) {
            it.catalog = Catalog::Missing;
            it.held.role = Some(Privileges::default());
        }
        if bit(3) {
            it.held.role = if bit(4) { unmanageable() } else { None };
        }
        if bit(5) {
            it.held.edges = [admin_edge()].into();
        }
        if bit(6) {
            it.login = Some(Login::Rejected);
        }
        if bit(7) {
            it.held.user = if bit(4) { unmanageable() } else { None };
            it.held.edges.remove(&own_edge(&name()));
            it.login = None;
        }
        if bit(8) {
            (it.credential, it.has_object_key) = (None, false);
            it.held.connections = ["7".to_owned()].into();
        }
        found.push(it);
    }
    found
}

#[test]
fn purge_drops_catalog_unless_foreign() {
    let [active, _, archived] = all_states();
    for (reason, observed, expected) in [
        ("archived", converged(&archived), vec![DropCatalog]),
        (
            "made active again by hand",
            converged(&active),
            vec![DropUser, KillConnections, DropRole, DropCatalog],
        ),
        ("nothing is left", nothing(), vec![]),
        (
            "the catalog is foreign",
            changed(&archived, |it| {
                it.catalog = Catalog::Foreign("theirs".into());
            }),
            vec![],
        ),
    ] {
        let steps = diff(&tenant(), &Desired::Absent, &observed);
        assert_eq!(steps, expected, "{reason}");
    }
}
