//! A backend in memory, which fails where it is told to: for tests of what drives
//! the backends.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use akili_crds::{Phase, TenantQuotaSpec};
use async_trait::async_trait;

use super::{Backend, Desired, Effect, Guard, Outcome, TenantKey};
use crate::error::{Class, Error, UNREACHABLE};

/// Whatever a tenant may hold, one right beside the other.
type Rights = BTreeSet<&'static str>;

/// The backend: what it holds, and where it is to fail.
#[derive(Default)]
pub struct Fake {
    held: Mutex<Rights>,
    owner: Option<&'static str>,
    writes: AtomicUsize,
    fault: Mutex<Option<(usize, Fault)>>,
    silent: AtomicBool,
}

/// In which way a step fails, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An error, and nothing was changed.
    Before,
    /// An error, although all was changed.
    After,
    /// All was changed, and no answer ever comes.
    NoAnswer,
    /// Success, although nothing was changed.
    Ignored,
}

/// A step of the backend.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Give a right.
    Give(&'static str),
    /// Take a right.
    Take(&'static str),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Give(right) => write!(f, "give {right}"),
            Self::Take(right) => write!(f, "take {right}"),
        }
    }
}

/// What a tenant's life passes through.
pub fn all_states() -> [Desired; 3] {
    let limits = TenantQuotaSpec::default();
    [
        Desired::Writable {
            limits: limits.clone(),
            reached: Phase::Active,
        },
        Desired::ReadOnly(limits),
        Desired::NoAccess,
    ]
}

/// Why the backend didn't get there, if it didn't.
pub fn failing_reason(outcome: &Outcome) -> Option<&'static str> {
    outcome.result.as_ref().err().map(|error| error.reason)
}

fn rights(desired: &Desired) -> Rights {
    match desired {
        Desired::Writable { .. } => ["login", "read", "write"].into(),
        Desired::ReadOnly(_) => ["login", "read"].into(),
        Desired::NoAccess => Rights::new(),
    }
}

impl Fake {
    /// A backend that holds what is desired already.
    pub fn holding(desired: &Desired) -> Self {
        Self {
            held: Mutex::new(rights(desired)),
            ..Self::default()
        }
    }

    /// A backend where all that a tenant would have is another's.
    pub fn owned_by(owner: &'static str) -> Self {
        Self {
            owner: Some(owner),
            ..Self::default()
        }
    }

    /// Lets the write of this number, counted from 0, fail.
    pub fn fail_at(&self, write: usize, fault: Fault) {
        *self.fault.lock().unwrap() = Some((write, fault));
    }

    /// What it holds.
    pub fn held(&self) -> Rights {
        self.held.lock().unwrap().clone()
    }

    /// Lets it lose a right, as if somebody had taken it by hand.
    pub fn lose(&self, right: &'static str) {
        self.held.lock().unwrap().remove(right);
    }

    /// Lets it answer no more.
    pub fn go_silent(&self) {
        self.silent.store(true, Ordering::Relaxed);
    }

    /// How many steps it was asked to take, those that failed too.
    pub fn writes(&self) -> usize {
        self.writes.load(Ordering::Relaxed)
    }

    fn change(&self, step: &Step) {
        let mut held = self.held.lock().unwrap();
        match step {
            Step::Give(right) => held.insert(right),
            Step::Take(right) => held.remove(right),
        };
    }
}

#[async_trait]
impl Backend for Fake {
    type Held = Rights;
    type Observed = Rights;
    type Step = Step;

    fn name(&self) -> &'static str {
        "fake"
    }

    fn condition(&self) -> &'static str {
        "FakeReady"
    }

    async fn list(&self, tenants: &[TenantKey]) -> Result<BTreeMap<TenantKey, Rights>, Error> {
        if self.silent.load(Ordering::Relaxed) {
            return Err(Error::new(Class::Transient, UNREACHABLE, "as it was told"));
        }
        Ok(tenants.iter().map(|t| (t.clone(), self.held())).collect())
    }

    async fn observe(&self, _: &TenantKey, held: Rights) -> Result<Rights, Error> {
        Ok(held)
    }

    fn foreign_owner(&self, _: &TenantKey, _: &Rights) -> Option<String> {
        self.owner.map(str::to_owned)
    }

    fn diff(&self, _: &TenantKey, desired: &Desired, observed: &Rights) -> Vec<Step> {
        let wanted = rights(desired);
        let taken = observed.difference(&wanted).map(|right| Step::Take(right));
        let given = wanted.difference(observed).map(|right| Step::Give(right));
        taken.chain(given).collect()
    }

    fn effect(step: &Step) -> Effect {
        match step {
            Step::Give(_) => Effect::Opens,
            Step::Take(_) => Effect::Closes,
        }
    }

    async fn apply(&self, _: &TenantKey, step: &Step) -> Result<(), Error> {
        let write = self.writes.fetch_add(1, Ordering::Relaxed);
        let fault = self
            .fault
            .lock()
            .unwrap()
            .take_if(|(at, _)| *at == write)
            .map(|(_, fault)| fault);
        if !matches!(fault, Some(Fault::Before | Fault::Ignored)) {
            self.change(step);
        }
        match fault {
            None | Some(Fault::Ignored) => Ok(()),
            Some(Fault::Before | Fault::After) => {
                Err(Error::new(Class::Transient, "Fault", "as it was told"))
            }
            Some(Fault::NoAnswer) => std::future::pending().await,
        }
    }
}

/// A guard that counts how often it is asked.
#[derive(Default)]
pub struct Watchman {
    refusal: Option<&'static str>,
    opening: AtomicUsize,
    closing: AtomicUsize,
}

impl Watchman {
    /// One that permits nothing, for this reason.
    pub fn refusing(reason: &'static str) -> Self {
        Self {
            refusal: Some(reason),
            ..Self::default()
        }
    }

    /// How often it was asked to open, and to close.
    pub fn asked(&self) -> (usize, usize) {
        (
            self.opening.load(Ordering::Relaxed),
            self.closing.load(Ordering::Relaxed),
        )
    }

    fn answer(&self, count: &AtomicUsize) -> Result<(), Error> {
        count.fetch_add(1, Ordering::Relaxed);
        match self.refusal {
            None => Ok(()),
            Some(reason) => Err(Error::new(Class::Conflict, reason, "as it was told")),
        }
    }
}

#[async_trait]
impl Guard for Watchman {
    async fn permit_opening(&self) -> Result<(), Error> {
        self.answer(&self.opening)
    }

    async fn permit_closing(&self) -> Result<(), Error> {
        self.answer(&self.closing)
    }
}
