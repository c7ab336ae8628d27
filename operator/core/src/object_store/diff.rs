//! Steps from what the object store holds for a tenant to what is desired. Pure.

use super::model::{Batch, Marker, Observed, Page, Policy, Step, Upload, Version};
use super::policy::Rights;
use crate::{Desired, Growth};

/// Maximum number of objects that one step deletes; the guard is asked before each step.
const BATCH: usize = 200;

/// Returns the steps to take, in order; empty when converged.
pub fn diff(desired: &Desired, observed: &Observed) -> Vec<Step> {
    let mut steps = match desired {
        Desired::Writable { growth, .. } => open(observed, *growth),
        Desired::ReadOnly(_) => restrict(observed),
        Desired::NoAccess => close(observed),
        Desired::Absent => purge(observed),
    };
    if !observed.bucket_protected {
        // After the user is suspended, and before a user can upload anything.
        let index = usize::from(steps.first() == Some(&Step::Suspend));
        steps.insert(index, Step::ProtectBucket);
    }
    steps
}

/// Returns the steps that allow reads and writes. The policy comes last, because it is what
/// allows writes; a policy that revokes the right to write comes first.
fn open(observed: &Observed, growth: Growth) -> Vec<Step> {
    let rights = match growth {
        Growth::Allowed => Rights::ReadWrite,
        Growth::Denied => Rights::ReadDelete,
    };
    let held = observed.user.as_ref().and_then(|user| user.policy);
    let narrows = growth == Growth::Denied && held == Some(Policy::Grants(Rights::ReadWrite));
    let mut steps = Vec::new();
    if narrows {
        steps.push(Step::DenyGrowth);
    }
    steps.extend(remove_extras(observed));
    steps.extend(grant_access(observed));
    if !narrows {
        steps.extend(policy(observed, rights));
    }
    steps
}

/// Returns the steps that allow reads only. The policy comes as soon as the user exists:
/// from then on writes are rejected.
fn restrict(observed: &Observed) -> Vec<Step> {
    let mut steps = Vec::new();
    if observed.user.is_none() {
        steps.push(Step::CreateUser);
    }
    steps.extend(policy(observed, Rights::ReadOnly));
    steps.extend(remove_extras(observed));
    steps.extend(
        grant_access(observed)
            .into_iter()
            .filter(|step| *step != Step::CreateUser),
    );
    steps
}

/// Returns the steps that revoke all access. The suspension comes first: the gateway rejects
/// a suspended user at once.
fn close(observed: &Observed) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(user) = &observed.user {
        if !user.suspended {
            steps.push(Step::Suspend);
        }
        if user.policy.is_some() {
            steps.push(Step::DeletePolicy);
        }
    }
    steps.extend(remove_extras(observed));
    steps
}

/// Returns the steps of a purge: access is revoked before anything is deleted, and the owner
/// marker stays until nothing else is below the prefix.
fn purge(observed: &Observed) -> Vec<Step> {
    let Page {
        objects,
        marker,
        uploads,
        more,
    } = &observed.content;
    let mut steps = close(observed);
    let total = objects.len() + uploads.len();
    let batch = |objects: &[Version], uploads: &[Upload]| {
        Step::Delete(Batch {
            objects: objects.to_vec(),
            uploads: uploads.to_vec(),
            total,
            more: *more,
        })
    };
    steps.extend(objects.chunks(BATCH).map(|chunk| batch(chunk, &[])));
    steps.extend(uploads.chunks(BATCH).map(|chunk| batch(&[], chunk)));
    // A marker with more versions than a page holds hides the objects after it.
    if total == 0 && !marker.is_empty() {
        steps.extend(
            marker
                .chunks(BATCH)
                .map(<[_]>::to_vec)
                .map(Step::DeleteMarker),
        );
    }
    if total == 0 && !more && observed.user.is_some() {
        steps.push(Step::DeleteUser);
    }
    steps
}

fn policy(observed: &Observed, rights: Rights) -> Option<Step> {
    let held = observed.user.as_ref().and_then(|user| user.policy);
    (held != Some(Policy::Grants(rights))).then_some(Step::PutPolicy(rights))
}

fn remove_extras(observed: &Observed) -> Vec<Step> {
    let extras = observed.user.iter().flat_map(|user| &user.extras);
    extras.cloned().map(Step::Remove).collect()
}

/// Returns the steps that create or repair the user of a tenant with access.
///
/// The key is written to the Secret before it is set in the gateway, and the gateway returns
/// the key that it has: after an interruption or a manual change the two differ, and the key
/// is set again.
fn grant_access(observed: &Observed) -> Vec<Step> {
    let user = observed.user.as_ref();
    let mut steps = Vec::new();
    if observed.credential.as_ref().is_none_or(|it| !it.current) {
        steps.push(Step::WriteCredential);
    }
    if observed.marker == Marker::Missing {
        steps.push(Step::WriteMarker);
    }
    match user {
        None => steps.push(Step::CreateUser),
        Some(user) if !user.matches_spec => steps.push(Step::RepairUser),
        Some(_) => {}
    }
    if !user.is_some_and(|user| user.key_is_current) {
        steps.push(Step::SetKey);
    }
    if user.is_some_and(|user| user.suspended) {
        steps.push(Step::Resume);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Credential;
    use crate::Password;
    use crate::fixtures::{all_states, over_its_limit};
    use crate::object_store::model::{Extra, UserState};

    const READ_WRITE: Policy = Policy::Grants(Rights::ReadWrite);
    const READ_DELETE: Policy = Policy::Grants(Rights::ReadDelete);
    const READ_ONLY: Policy = Policy::Grants(Rights::ReadOnly);

    fn credential() -> Option<Credential> {
        Some(Credential {
            password: Password::from("right".to_owned()),
            current: true,
            mark: None,
        })
    }

    /// Returns a tenant with this policy, all else as specified.
    fn matching(policy: Policy) -> Observed {
        Observed {
            bucket_protected: true,
            marker: Marker::Own,
            user: Some(UserState {
                suspended: false,
                matches_spec: true,
                key_is_current: true,
                policy: Some(policy),
                extras: vec![],
            }),
            credential: credential(),
            content: Page::default(),
        }
    }

    fn nothing() -> Observed {
        Observed {
            bucket_protected: true,
            marker: Marker::Missing,
            user: None,
            credential: None,
            content: Page::default(),
        }
    }

    fn with_user(mut observed: Observed, change: impl Fn(&mut UserState)) -> Observed {
        observed.user.iter_mut().for_each(change);
        observed
    }

    #[test]
    fn active_tenant_gets_missing_or_changed_parts() {
        use Step::*;
        let active = || matching(READ_WRITE);
        let set = PutPolicy(Rights::ReadWrite);
        let key = || Extra::Key("another".into());
        for (reason, observed, expected) in [
            ("converged", active(), vec![]),
            (
                "a new tenant: the policy that allows writes comes last",
                nothing(),
                vec![
                    WriteCredential,
                    WriteMarker,
                    CreateUser,
                    SetKey,
                    set.clone(),
                ],
            ),
            ("reactivated", matching(READ_ONLY), vec![set.clone()]),
            (
                "another policy",
                matching(Policy::Unknown),
                vec![set.clone()],
            ),
            (
                "the policy was removed",
                with_user(active(), |user| user.policy = None),
                vec![set],
            ),
            (
                "another key, whether or not the Secret was deleted",
                with_user(active(), |user| user.key_is_current = false),
                vec![SetKey],
            ),
            (
                "suspended by hand",
                with_user(active(), |user| user.suspended = true),
                vec![Resume],
            ),
            (
                "another mask",
                with_user(active(), |user| user.matches_spec = false),
                vec![RepairUser],
            ),
            (
                "a second key",
                with_user(active(), |user| user.extras = vec![key()]),
                vec![Remove(key())],
            ),
            (
                "the marker was deleted",
                Observed {
                    marker: Marker::Missing,
                    ..active()
                },
                vec![WriteMarker],
            ),
            (
                "the bucket was opened",
                Observed {
                    bucket_protected: false,
                    ..active()
                },
                vec![ProtectBucket],
            ),
        ] {
            let [writable, ..] = all_states();
            assert_eq!(diff(&writable, &observed), expected, "{reason}");
        }
    }

    #[test]
    fn tenant_over_storage_limit_may_only_read_and_delete() {
        use Step::*;
        let set = PutPolicy(Rights::ReadDelete);
        for (reason, observed, expected) in [
            ("converged", matching(READ_DELETE), vec![]),
            (
                "the right to write is revoked first",
                with_user(matching(READ_WRITE), |user| user.key_is_current = false),
                vec![DenyGrowth, SetKey],
            ),
            ("reactivated", matching(READ_ONLY), vec![set.clone()]),
            ("another policy", matching(Policy::Unknown), vec![set]),
        ] {
            assert_eq!(diff(&over_its_limit(), &observed), expected, "{reason}");
        }
        let [writable, ..] = all_states();
        let again = diff(&writable, &matching(READ_DELETE));
        assert_eq!(
            again,
            [PutPolicy(Rights::ReadWrite)],
            "below the limit again"
        );
    }

    #[test]
    fn suspended_tenant_gets_read_only_policy_first() {
        use Step::*;
        let set = PutPolicy(Rights::ReadOnly);
        for (reason, observed, expected) in [
            ("converged", matching(READ_ONLY), vec![]),
            ("was active", matching(READ_WRITE), vec![set.clone()]),
            (
                "was active, with another key",
                with_user(matching(READ_WRITE), |user| user.key_is_current = false),
                vec![set.clone(), SetKey],
            ),
            (
                "never active",
                nothing(),
                vec![CreateUser, set, WriteCredential, WriteMarker, SetKey],
            ),
        ] {
            let [_, read_only, _] = all_states();
            assert_eq!(diff(&read_only, &observed), expected, "{reason}");
        }
    }

    #[test]
    fn archived_tenant_is_suspended_first() {
        use Step::*;
        let archived = || {
            with_user(matching(READ_WRITE), |user| {
                (user.suspended, user.policy) = (true, None);
            })
        };
        for (reason, observed, expected) in [
            ("converged", archived(), vec![]),
            ("never had a user", nothing(), vec![]),
            (
                "was active",
                matching(READ_WRITE),
                vec![Suspend, DeletePolicy],
            ),
            (
                "was active, with an open bucket",
                Observed {
                    bucket_protected: false,
                    ..matching(READ_WRITE)
                },
                vec![Suspend, ProtectBucket, DeletePolicy],
            ),
            (
                "interrupted before the policy was deleted",
                with_user(archived(), |user| user.policy = Some(READ_WRITE)),
                vec![DeletePolicy],
            ),
        ] {
            assert_eq!(diff(&Desired::NoAccess, &observed), expected, "{reason}");
        }
    }

    fn versions(count: usize) -> Vec<Version> {
        let version = |n| Version {
            key: format!("tenant-1/{n}"),
            id: "null".into(),
        };
        (0..count).map(version).collect()
    }

    #[test]
    fn purge_deletes_batches_then_marker_then_user() {
        let archived = with_user(matching(READ_WRITE), |user| {
            (user.suspended, user.policy) = (true, None);
        });
        let upload = Upload {
            key: "tenant-1/x".into(),
            id: "2~y".into(),
        };
        let page = |objects, more| Observed {
            content: Page {
                objects: versions(objects),
                marker: versions(1),
                uploads: vec![upload.clone()],
                more,
            },
            ..archived.clone()
        };
        let displayed = |observed: &Observed| -> Vec<String> {
            let steps = diff(&Desired::Absent, observed);
            steps.iter().map(Step::to_string).collect()
        };
        assert_eq!(
            displayed(&page(450, true)),
            [
                "delete 200 of more than 451 objects",
                "delete 200 of more than 451 objects",
                "delete 50 of more than 451 objects",
                "delete 1 of more than 451 objects",
            ]
        );
        let last = diff(&Desired::Absent, &page(1, false));
        let after = last.iter().fold(page(1, false), after);
        assert_eq!(
            displayed(&after),
            [
                "delete the owner marker of the prefix",
                "delete the object store's user"
            ]
        );
    }

    /// Returns what the object store holds after the step.
    fn after(mut observed: Observed, step: &Step) -> Observed {
        let change = |observed, change: &dyn Fn(&mut UserState)| with_user(observed, change);
        match step {
            Step::WriteCredential => observed.credential = credential(),
            Step::ProtectBucket => observed.bucket_protected = true,
            Step::WriteMarker => observed.marker = Marker::Own,
            Step::CreateUser => {
                observed.user.get_or_insert(UserState {
                    suspended: false,
                    matches_spec: true,
                    key_is_current: false,
                    policy: None,
                    extras: vec![],
                });
            }
            Step::RepairUser => return change(observed, &|user| user.matches_spec = true),
            Step::Remove(extra) => {
                return change(observed, &|user| user.extras.retain(|other| other != extra));
            }
            Step::SetKey => return change(observed, &|user| user.key_is_current = true),
            Step::Resume => return change(observed, &|user| user.suspended = false),
            Step::PutPolicy(rights) => {
                return change(observed, &|user| {
                    user.policy = Some(Policy::Grants(*rights))
                });
            }
            Step::DenyGrowth => {
                return change(observed, &|user| user.policy = Some(READ_DELETE));
            }
            Step::Suspend => return change(observed, &|user| user.suspended = true),
            Step::DeletePolicy => return change(observed, &|user| user.policy = None),
            Step::Delete(batch) => {
                let content = &mut observed.content;
                content.objects.retain(|it| !batch.objects.contains(it));
                content.uploads.retain(|it| !batch.uploads.contains(it));
            }
            Step::DeleteMarker(_) => {
                observed.content.marker.clear();
                observed.marker = Marker::Missing;
            }
            Step::DeleteUser => observed.user = None,
        }
        observed
    }

    /// After an interruption at any step, the remaining steps converge as well.
    #[test]
    fn steps_from_any_observation_lead_to_convergence() {
        for observed in all_observations() {
            let states = all_states().into_iter();
            for desired in states.chain([over_its_limit(), Desired::Absent]) {
                let mut reached = observed.clone();
                for step in diff(&desired, &observed) {
                    let rest = diff(&desired, &reached);
                    let end = rest.iter().fold(reached.clone(), after);
                    assert_eq!(diff(&desired, &end), [], "{desired:?} from {reached:?}");
                    reached = after(reached, &step);
                }
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
        for bits in 0..256_u16 {
            let bit = |n: u16| bits & (1 << n) != 0;
            let policies = [READ_WRITE, READ_DELETE, READ_ONLY, Policy::Unknown].map(Some);
            for policy in policies.into_iter().chain([None]) {
                let user = UserState {
                    suspended: bit(0),
                    matches_spec: bit(1),
                    // Without a Secret there is no key to compare with.
                    key_is_current: bit(2) && bit(3),
                    policy,
                    extras: bit(4)
                        .then(|| Extra::Subuser("s".into()))
                        .into_iter()
                        .collect(),
                };
                all.push(Observed {
                    bucket_protected: bit(5),
                    marker: if bit(6) { Marker::Own } else { Marker::Missing },
                    user: bit(7).then_some(user),
                    credential: credential().filter(|_| bit(3)),
                    content: Page::default(),
                });
            }
        }
        all
    }
}
