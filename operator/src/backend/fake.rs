//! A backend in memory, which fails where it is told to: for tests of what drives
//! the backends.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

pub use akili_core::fixtures::{all_states, over_its_limit};
use async_trait::async_trait;

use super::{Backend, Convergence, Desired, Effect, Growth, Guard, TenantKey};
use crate::error::{Error, Reason};

/// Whatever a tenant may hold, one right beside the other.
pub type Rights = BTreeSet<&'static str>;

/// How much of a tenant's data one look shows.
const PAGE: usize = 2;

/// What the backend holds for the one tenant there is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Held {
    /// What the tenant may do.
    pub rights: Rights,
    /// How much there is of its data.
    pub data: usize,
}

/// The backend: what it holds, and where it is to fail.
#[derive(Default)]
pub struct Fake {
    held: Mutex<Held>,
    owner: Option<&'static str>,
    writes: AtomicUsize,
    faults: Arc<Faults>,
    silent: AtomicBool,
    names: Option<(&'static str, &'static str)>,
}

/// Lets one step fail of all that are taken in the fakes that share this.
#[derive(Default)]
pub struct Faults {
    taken: AtomicUsize,
    plan: Mutex<Option<(usize, Fault)>>,
}

impl Faults {
    /// Lets the step of this number, counted from 0 and from now, fail.
    pub fn fail_at(&self, step: usize, fault: Fault) {
        self.taken.store(0, Ordering::Relaxed);
        *self.plan.lock().unwrap() = Some((step, fault));
    }

    /// Counts a step, and says how it is to fail, if it is.
    pub fn next(&self) -> Option<Fault> {
        let step = self.taken.fetch_add(1, Ordering::Relaxed);
        let mut plan = self.plan.lock().unwrap();
        plan.take_if(|(at, _)| *at == step).map(|(_, fault)| fault)
    }

    /// Whether what was planned has come about.
    pub fn is_spent(&self) -> bool {
        self.plan.lock().unwrap().is_none()
    }

    /// How many steps were taken since that was last asked, or a fault was planned.
    pub fn taken(&self) -> usize {
        self.taken.swap(0, Ordering::Relaxed)
    }
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
    /// Nothing was changed, and no answer ever comes.
    Lost,
    /// Success, although nothing was changed.
    Ignored,
}

impl Fault {
    /// Whether the step takes effect.
    pub fn takes_effect(self) -> bool {
        matches!(self, Self::After | Self::NoAnswer)
    }

    /// Whether an answer comes.
    pub fn is_answered(self) -> bool {
        !matches!(self, Self::NoAnswer | Self::Lost)
    }
}

/// A step of the backend.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Give a right.
    Give(&'static str),
    /// Take a right.
    Take(&'static str),
    /// Delete a page of data.
    Delete(usize),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Give(right) => write!(f, "give {right}"),
            Self::Take(right) => write!(f, "take {right}"),
            Self::Delete(page) => write!(f, "delete {page}"),
        }
    }
}

/// Why the backend didn't get there, if it didn't.
pub fn failing_reason(convergence: &Convergence) -> Option<Reason> {
    convergence.outcome.shortfall().map(|it| it.reason)
}

fn rights(desired: &Desired) -> Rights {
    match desired {
        Desired::Writable {
            growth: Growth::Allowed,
            ..
        } => ["login", "read", "write"].into(),
        Desired::Writable { .. } => ["delete", "login", "read"].into(),
        Desired::ReadOnly(_) => ["login", "read"].into(),
        Desired::NoAccess | Desired::Absent => Rights::new(),
    }
}

impl Fake {
    /// A backend that holds what is desired already.
    pub fn holding(desired: &Desired) -> Self {
        Self {
            held: Mutex::new(Held {
                rights: rights(desired),
                data: 0,
            }),
            ..Self::default()
        }
    }

    /// Lets the tenant have so much data.
    pub fn fill(&self, data: usize) {
        self.held.lock().unwrap().data = data;
    }

    /// A backend where all that a tenant would have is another's.
    pub fn owned_by(owner: &'static str) -> Self {
        Self {
            owner: Some(owner),
            ..Self::default()
        }
    }

    /// A backend whose steps fail as these say.
    pub fn failing(faults: &Arc<Faults>) -> Self {
        Self {
            faults: faults.clone(),
            ..Self::default()
        }
    }

    /// Gives it another name and condition than `fake` and `FakeReady`.
    pub fn named(self, name: &'static str, condition: &'static str) -> Self {
        Self {
            names: Some((name, condition)),
            ..self
        }
    }

    /// Lets the write of this number, counted from 0, fail.
    pub fn fail_at(&self, write: usize, fault: Fault) {
        self.faults.fail_at(write, fault);
    }

    /// What it holds.
    pub fn held(&self) -> Held {
        self.held.lock().unwrap().clone()
    }

    /// Lets it lose a right, as if somebody had taken it by hand.
    pub fn lose(&self, right: &'static str) {
        self.held.lock().unwrap().rights.remove(right);
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
            Step::Give(right) => drop(held.rights.insert(right)),
            Step::Take(right) => drop(held.rights.remove(right)),
            Step::Delete(page) => held.data = held.data.saturating_sub(*page),
        }
    }
}

#[async_trait]
impl Backend for Fake {
    type Held = Held;
    type Observed = Held;
    type Step = Step;

    fn name(&self) -> &'static str {
        self.names.map_or("fake", |(name, _)| name)
    }

    fn condition(&self) -> &'static str {
        self.names.map_or("FakeReady", |(_, condition)| condition)
    }

    async fn list(&self, tenants: &[TenantKey]) -> Result<BTreeMap<TenantKey, Held>, Error> {
        if self.silent.load(Ordering::Relaxed) {
            return Err(Error::new(Reason::Unreachable, "fault injected"));
        }
        Ok(tenants.iter().map(|t| (t.clone(), self.held())).collect())
    }

    async fn observe(&self, _: &TenantKey, _: &Desired, held: Held) -> Result<Held, Error> {
        Ok(held)
    }

    fn foreign_owner(&self, _: &TenantKey, _: &Desired, _: &Held) -> Option<String> {
        self.owner.map(str::to_owned)
    }

    fn diff(&self, _: &TenantKey, desired: &Desired, observed: &Held) -> Vec<Step> {
        let (wanted, held) = (rights(desired), &observed.rights);
        let taken = held.difference(&wanted).map(|right| Step::Take(right));
        let given = wanted.difference(held).map(|right| Step::Give(right));
        let page = Some(observed.data.min(PAGE)).filter(|page| *page > 0);
        let page = page.filter(|_| *desired == Desired::Absent);
        taken.chain(given).chain(page.map(Step::Delete)).collect()
    }

    fn effect(step: &Step) -> Effect {
        match step {
            Step::Give(_) => Effect::Opens,
            Step::Take(_) | Step::Delete(_) => Effect::Closes,
        }
    }

    fn deletes(step: &Step) -> usize {
        match step {
            Step::Delete(page) => *page,
            Step::Give(_) | Step::Take(_) => 0,
        }
    }

    async fn apply(&self, _: &TenantKey, step: &Step) -> Result<(), Error> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        let fault = self.faults.next();
        if fault.is_none_or(Fault::takes_effect) {
            self.change(step);
        }
        match fault {
            None | Some(Fault::Ignored) => Ok(()),
            Some(fault) if fault.is_answered() => {
                Err(Error::new(Reason::ServerError, "fault injected"))
            }
            Some(_) => std::future::pending().await,
        }
    }
}

/// A guard that counts how often it is asked.
#[derive(Default)]
pub struct Watchman {
    refusal: Option<Reason>,
    opening: AtomicUsize,
    closing: AtomicUsize,
    destroying: AtomicUsize,
}

impl Watchman {
    /// One that permits nothing, for this reason.
    pub fn refusing(reason: Reason) -> Self {
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

    /// How often it was asked to destroy.
    pub fn asked_to_destroy(&self) -> usize {
        self.destroying.load(Ordering::Relaxed)
    }

    fn answer(&self, count: &AtomicUsize) -> Result<(), Error> {
        count.fetch_add(1, Ordering::Relaxed);
        match self.refusal {
            None => Ok(()),
            Some(reason) => Err(Error::new(reason, "fault injected")),
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

    async fn permit_destroying(&self) -> Result<(), Error> {
        self.answer(&self.destroying)
    }
}
