//! From what the object store holds for a tenant to what it should: pure.

use std::fmt;

use super::policy::Rights;
use crate::backend::credentials::Credential;
use crate::backend::{Desired, Growth};

/// The most that one step deletes, and for which the guard is asked.
const AT_ONCE: usize = 200;

/// What the object store holds for a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Whether the bucket is closed to the public.
    pub bucket_protected: bool,
    /// Whose the prefix is.
    pub marker: Marker,
    /// The tenant's user, if there is one.
    pub user: Option<User>,
    /// What the tenant's Secret says, if there is one.
    pub credential: Option<Credential>,
    /// A page of what is below the prefix; only looked at for a purge.
    pub below: Page,
}

/// What is below a tenant's prefix, as far as one look goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Versions of objects, and marks that one was deleted, but not the prefix's marker.
    pub objects: Vec<Version>,
    /// Those of the marker.
    pub marker: Vec<Version>,
    /// Uploads that were begun and not ended.
    pub uploads: Vec<Upload>,
    /// Whether there is more.
    pub more: bool,
}

/// One version of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The object's key.
    pub key: String,
    /// The version's id; `null` where the bucket keeps no versions.
    pub id: String,
}

/// An upload in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The key of what it was to become.
    pub key: String,
    /// Its id.
    pub id: String,
}

/// Whose a prefix is, as its marker says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Marker {
    /// Nobody's.
    Missing,
    /// The tenant's.
    Own,
    /// Another's: what the marker says.
    Another(String),
}

/// A tenant's user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Whether it can't get in.
    pub suspended: bool,
    /// Whether mask and number of buckets are as they should be.
    pub sound: bool,
    /// Whether its secret key is the Secret's.
    pub has_key: bool,
    /// Its policy, if it has one.
    pub policy: Option<Policy>,
    /// What it has and shouldn't.
    pub extras: Vec<Extra>,
}

/// The policy of a tenant's user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// One of ours.
    Of(Rights),
    /// Anything else under its name.
    Other,
}

/// Something that a tenant's user has and shouldn't, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extra {
    /// A key beside its own.
    Key(String),
    /// A subuser.
    Subuser(String),
    /// A right to the admin API.
    Capability(String),
    /// A policy beside its own.
    Policy(String),
}

impl fmt::Display for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, "access key {key}"),
            Self::Subuser(name) => write!(f, "subuser {name}"),
            Self::Capability(cap) => write!(f, "capability {cap}"),
            Self::Policy(name) => write!(f, "policy {name}"),
        }
    }
}

/// One thing to do. Every step can be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make the tenant's Secret, or mend it.
    WriteCredential,
    /// Close the bucket to the public.
    ProtectBucket,
    /// Say whose the prefix is.
    WriteMarker,
    /// Make the user, without any right.
    CreateUser,
    /// Make the user's mask and number of buckets what they should be.
    MendUser,
    /// Take from the user what it shouldn't have.
    Remove(Extra),
    /// Give the user the Secret's key.
    SetKey,
    /// Let the user in again.
    Resume,
    /// Let the user do this, and nothing else.
    PutPolicy(Rights),
    /// Take from a user that wrote the right to write, for its storage is over the limit.
    DenyGrowth,
    /// Let the user in no more.
    Suspend,
    /// Take the user's policy away.
    DeletePolicy,
    /// Delete these objects, or parts of uploads.
    Delete(Batch),
    /// Delete the mark that says whose the prefix is.
    DeleteMarker(Vec<Version>),
    /// Delete the user.
    DeleteUser,
}

/// What is deleted by one step of a purge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Versions of objects.
    pub objects: Vec<Version>,
    /// Uploads that were begun and not ended.
    pub uploads: Vec<Upload>,
    /// How many there are of both, as far as was looked.
    pub of: usize,
    /// Whether there are even more.
    pub more: bool,
}

impl Batch {
    /// How many things it deletes.
    pub fn count(&self) -> usize {
        self.objects.len() + self.uploads.len()
    }
}

impl fmt::Display for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.more { "more than " } else { "" };
        write!(f, "delete {} of {more}{} objects", self.count(), self.of)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WriteCredential => "write Secret akili-object-store",
            Self::ProtectBucket => "close the bucket to the public",
            Self::WriteMarker => "mark the prefix as the tenant's",
            Self::CreateUser => "make the object store's user",
            Self::MendUser => "mend the object store's user",
            Self::Remove(extra) => return write!(f, "take {extra} from the object store's user"),
            Self::SetKey => "give the object store's user the Secret's key",
            Self::Resume => "let the object store's user in",
            Self::PutPolicy(Rights::ReadWrite) => "let the tenant read and write objects",
            Self::PutPolicy(Rights::ReadDelete) => "let the tenant read and delete objects",
            Self::DenyGrowth => {
                "let the tenant only read and delete objects: its storage is over the limit"
            }
            Self::PutPolicy(Rights::ReadOnly) => "let the tenant only read objects",
            Self::Suspend => "suspend the object store's user",
            Self::DeletePolicy => "take the policy from the object store's user",
            Self::Delete(batch) => return write!(f, "{batch}"),
            Self::DeleteMarker(_) => "delete the mark of the prefix",
            Self::DeleteUser => "delete the object store's user",
        })
    }
}

/// What is to be done, in this order; nothing if the object store holds what it should.
pub fn diff(desired: &Desired, observed: &Observed) -> Vec<Step> {
    let mut steps = match desired {
        Desired::Writable { growth, .. } => open(observed, *growth),
        Desired::ReadOnly(_) => restrict(observed),
        Desired::NoAccess => close(observed),
        Desired::Absent => purge(observed),
    };
    if !observed.bucket_protected {
        // After the user is suspended, before anybody uploads anything.
        let at = usize::from(steps.first() == Some(&Step::Suspend));
        steps.insert(at, Step::ProtectBucket);
    }
    steps
}

/// The policy last: it is what lets the tenant write. Where it lets it no longer, first.
fn open(observed: &Observed, growth: Growth) -> Vec<Step> {
    let rights = match growth {
        Growth::Allowed => Rights::ReadWrite,
        Growth::Denied => Rights::ReadDelete,
    };
    let held = observed.user.as_ref().and_then(|user| user.policy);
    let narrows = growth == Growth::Denied && held == Some(Policy::Of(Rights::ReadWrite));
    let mut steps = Vec::new();
    if narrows {
        steps.push(Step::DenyGrowth);
    }
    steps.extend(take_extras(observed));
    steps.extend(let_in(observed));
    if !narrows {
        steps.extend(policy(observed, rights));
    }
    steps
}

/// The policy as early as there is a user: from then on nobody writes.
fn restrict(observed: &Observed) -> Vec<Step> {
    let mut steps = Vec::new();
    if observed.user.is_none() {
        steps.push(Step::CreateUser);
    }
    steps.extend(policy(observed, Rights::ReadOnly));
    steps.extend(take_extras(observed));
    steps.extend(
        let_in(observed)
            .into_iter()
            .filter(|step| *step != Step::CreateUser),
    );
    steps
}

/// The user first: suspended, it is out at once.
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
    steps.extend(take_extras(observed));
    steps
}

/// The user is out before anything of its is deleted; the mark of the prefix stays
/// until nothing else is below it.
fn purge(observed: &Observed) -> Vec<Step> {
    let Page {
        objects,
        marker,
        uploads,
        more,
    } = &observed.below;
    let mut steps = close(observed);
    let of = objects.len() + uploads.len();
    let batch = |objects: &[Version], uploads: &[Upload]| {
        Step::Delete(Batch {
            objects: objects.to_vec(),
            uploads: uploads.to_vec(),
            of,
            more: *more,
        })
    };
    steps.extend(objects.chunks(AT_ONCE).map(|some| batch(some, &[])));
    steps.extend(uploads.chunks(AT_ONCE).map(|some| batch(&[], some)));
    // A marker of more versions than a page has is in the way of what comes after it.
    if of == 0 && !marker.is_empty() {
        steps.extend(
            marker
                .chunks(AT_ONCE)
                .map(<[_]>::to_vec)
                .map(Step::DeleteMarker),
        );
    }
    if of == 0 && !more && observed.user.is_some() {
        steps.push(Step::DeleteUser);
    }
    steps
}

fn policy(observed: &Observed, rights: Rights) -> Option<Step> {
    let held = observed.user.as_ref().and_then(|user| user.policy);
    (held != Some(Policy::Of(rights))).then_some(Step::PutPolicy(rights))
}

fn take_extras(observed: &Observed) -> Vec<Step> {
    let extras = observed.user.iter().flat_map(|user| &user.extras);
    extras.cloned().map(Step::Remove).collect()
}

/// The steps that make the user what it should be while the tenant has access.
///
/// The key is in the Secret before the gateway gets it, and the gateway shows the one
/// it has: so whatever was cut off or changed by hand, it is set again.
fn let_in(observed: &Observed) -> Vec<Step> {
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
        Some(user) if !user.sound => steps.push(Step::MendUser),
        Some(_) => {}
    }
    if !user.is_some_and(|user| user.has_key) {
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
    use crate::backend::fake::{all_states, over_its_limit};
    use crate::password::Password;

    const READ_WRITE: Policy = Policy::Of(Rights::ReadWrite);
    const READ_DELETE: Policy = Policy::Of(Rights::ReadDelete);
    const READ_ONLY: Policy = Policy::Of(Rights::ReadOnly);

    fn credential() -> Option<Credential> {
        Some(Credential {
            password: Password::from("right".to_owned()),
            current: true,
            mark: None,
        })
    }

    /// A tenant as it should be with this policy.
    fn good(policy: Policy) -> Observed {
        Observed {
            bucket_protected: true,
            marker: Marker::Own,
            user: Some(User {
                suspended: false,
                sound: true,
                has_key: true,
                policy: Some(policy),
                extras: vec![],
            }),
            credential: credential(),
            below: Page::default(),
        }
    }

    fn nothing() -> Observed {
        Observed {
            bucket_protected: true,
            marker: Marker::Missing,
            user: None,
            credential: None,
            below: Page::default(),
        }
    }

    fn with_user(mut observed: Observed, change: impl Fn(&mut User)) -> Observed {
        observed.user.iter_mut().for_each(change);
        observed
    }

    #[test]
    fn while_active() {
        use Step::*;
        let active = || good(READ_WRITE);
        let set = PutPolicy(Rights::ReadWrite);
        let key = || Extra::Key("another".into());
        for (reason, observed, expected) in [
            ("converged", active(), vec![]),
            (
                "a new tenant: what lets it write comes last",
                nothing(),
                vec![
                    WriteCredential,
                    WriteMarker,
                    CreateUser,
                    SetKey,
                    set.clone(),
                ],
            ),
            ("reactivated", good(READ_ONLY), vec![set.clone()]),
            ("another policy", good(Policy::Other), vec![set.clone()]),
            (
                "the policy was removed",
                with_user(active(), |user| user.policy = None),
                vec![set],
            ),
            (
                "another key, whether or not the Secret was deleted",
                with_user(active(), |user| user.has_key = false),
                vec![SetKey],
            ),
            (
                "suspended by hand",
                with_user(active(), |user| user.suspended = true),
                vec![Resume],
            ),
            (
                "another mask",
                with_user(active(), |user| user.sound = false),
                vec![MendUser],
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
    fn while_storage_is_over_its_limit() {
        use Step::*;
        let set = PutPolicy(Rights::ReadDelete);
        for (reason, observed, expected) in [
            ("converged", good(READ_DELETE), vec![]),
            (
                "it wrote until now: that ends first",
                with_user(good(READ_WRITE), |user| user.has_key = false),
                vec![DenyGrowth, SetKey],
            ),
            ("reactivated", good(READ_ONLY), vec![set.clone()]),
            ("another policy", good(Policy::Other), vec![set]),
        ] {
            assert_eq!(diff(&over_its_limit(), &observed), expected, "{reason}");
        }
        let [writable, ..] = all_states();
        let again = diff(&writable, &good(READ_DELETE));
        assert_eq!(again, [PutPolicy(Rights::ReadWrite)], "below it again");
    }

    #[test]
    fn while_suspended_the_policy_comes_first() {
        use Step::*;
        let set = PutPolicy(Rights::ReadOnly);
        for (reason, observed, expected) in [
            ("converged", good(READ_ONLY), vec![]),
            ("from active", good(READ_WRITE), vec![set.clone()]),
            (
                "from active, with another key",
                with_user(good(READ_WRITE), |user| user.has_key = false),
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
    fn while_archived_the_user_is_out_first() {
        use Step::*;
        let archived = || {
            with_user(good(READ_WRITE), |user| {
                (user.suspended, user.policy) = (true, None);
            })
        };
        for (reason, observed, expected) in [
            ("converged", archived(), vec![]),
            ("it never had a user", nothing(), vec![]),
            ("from active", good(READ_WRITE), vec![Suspend, DeletePolicy]),
            (
                "from active, with an open bucket",
                Observed {
                    bucket_protected: false,
                    ..good(READ_WRITE)
                },
                vec![Suspend, ProtectBucket, DeletePolicy],
            ),
            (
                "cut off before the policy was gone",
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
    fn a_purge_deletes_a_page_in_batches_and_the_mark_and_the_user_last() {
        let archived = with_user(good(READ_WRITE), |user| {
            (user.suspended, user.policy) = (true, None);
        });
        let upload = Upload {
            key: "tenant-1/x".into(),
            id: "2~y".into(),
        };
        let page = |objects, more| Observed {
            below: Page {
                objects: versions(objects),
                marker: versions(1),
                uploads: vec![upload.clone()],
                more,
            },
            ..archived.clone()
        };
        let words = |observed: &Observed| -> Vec<String> {
            let steps = diff(&Desired::Absent, observed);
            steps.iter().map(Step::to_string).collect()
        };
        assert_eq!(
            words(&page(450, true)),
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
            words(&after),
            [
                "delete the mark of the prefix",
                "delete the object store's user"
            ]
        );
    }

    /// What there is after a step.
    fn after(mut observed: Observed, step: &Step) -> Observed {
        let change = |observed, change: &dyn Fn(&mut User)| with_user(observed, change);
        match step {
            Step::WriteCredential => observed.credential = credential(),
            Step::ProtectBucket => observed.bucket_protected = true,
            Step::WriteMarker => observed.marker = Marker::Own,
            Step::CreateUser => {
                observed.user.get_or_insert(User {
                    suspended: false,
                    sound: true,
                    has_key: false,
                    policy: None,
                    extras: vec![],
                });
            }
            Step::MendUser => return change(observed, &|user| user.sound = true),
            Step::Remove(extra) => {
                return change(observed, &|user| user.extras.retain(|other| other != extra));
            }
            Step::SetKey => return change(observed, &|user| user.has_key = true),
            Step::Resume => return change(observed, &|user| user.suspended = false),
            Step::PutPolicy(rights) => {
                return change(observed, &|user| user.policy = Some(Policy::Of(*rights)));
            }
            Step::DenyGrowth => {
                return change(observed, &|user| user.policy = Some(READ_DELETE));
            }
            Step::Suspend => return change(observed, &|user| user.suspended = true),
            Step::DeletePolicy => return change(observed, &|user| user.policy = None),
            Step::Delete(batch) => {
                let below = &mut observed.below;
                below.objects.retain(|it| !batch.objects.contains(it));
                below.uploads.retain(|it| !batch.uploads.contains(it));
            }
            Step::DeleteMarker(_) => {
                observed.below.marker.clear();
                observed.marker = Marker::Missing;
            }
            Step::DeleteUser => observed.user = None,
        }
        observed
    }

    /// Wherever the steps are cut off, those that are still found to be needed lead to
    /// the same end.
    #[test]
    fn whatever_is_found_the_steps_leave_nothing_to_do() {
        for observed in everything_that_can_be_found() {
            let all = all_states().into_iter();
            for desired in all.chain([over_its_limit(), Desired::Absent]) {
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

    fn everything_that_can_be_found() -> Vec<Observed> {
        let mut found = Vec::new();
        for bits in 0..256_u16 {
            let bit = |n: u16| bits & (1 << n) != 0;
            let policies = [READ_WRITE, READ_DELETE, READ_ONLY, Policy::Other].map(Some);
            for policy in policies.into_iter().chain([None]) {
                let user = User {
                    suspended: bit(0),
                    sound: bit(1),
                    // Without a Secret there is none to compare with.
                    has_key: bit(2) && bit(3),
                    policy,
                    extras: bit(4)
                        .then(|| Extra::Subuser("s".into()))
                        .into_iter()
                        .collect(),
                };
                found.push(Observed {
                    bucket_protected: bit(5),
                    marker: if bit(6) { Marker::Own } else { Marker::Missing },
                    user: bit(7).then_some(user),
                    credential: credential().filter(|_| bit(3)),
                    below: Page::default(),
                });
            }
        }
        found
    }
}
