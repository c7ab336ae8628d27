//! A backend in memory, with fault injection.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

pub use akili_core::fixtures::{all_states, over_its_limit};
use async_trait::async_trait;

use super::{Backend, Convergence, Desired, Effect, Growth, Guard, TenantKey};
use crate::error::{Error, Reason};

/// Rights that a tenant holds.
pub type Rights = BTreeSet<&'static str>;

/// Number of a tenant's objects that one observation shows.
const PAGE: usize = 2;

/// State of the backend for its only tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Held {
    /// Rights of the tenant.
    pub rights: Rights,
    /// Number of its objects.
    pub data: usize,
}

/// The backend.
#[derive(Default)]
pub struct Fake {
    held: Mutex<Held>,
    owner: Option<&'static str>,
    writes: AtomicUsize,
    faults: Arc<Faults>,
    silent: AtomicBool,
    names: Option<(&'static str, &'static str)>,
}

/// A planned fault of one of the steps that are applied in all fakes that share this.
#[derive(Default)]
pub struct Faults {
    applied: AtomicUsize,
    plan: Mutex<Option<(usize, Fault)>>,
}

impl Faults {
    /// Makes the step of this number fail, counted from 0 and from now.
    pub fn fail_at(&self, step: usize, fault: Fault) {
        self.applied.store(0, Ordering::Relaxed);
        *self.plan.lock().unwrap() = Some((step, fault));
    }

    /// Counts a step, and returns its fault, if one is planned.
    pub fn next(&self) -> Option<Fault> {
        let step = self.applied.fetch_add(1, Ordering::Relaxed);
        let mut plan = self.plan.lock().unwrap();
        plan.take_if(|(at, _)| *at == step).map(|(_, fault)| fault)
    }

    /// Returns whether the planned fault has happened.
    pub fn is_spent(&self) -> bool {
        self.plan.lock().unwrap().is_none()
    }

    /// Returns and resets the number of steps applied since the last call, or since a fault was
    /// planned.
    pub fn applied(&self) -> usize {
        self.applied.swap(0, Ordering::Relaxed)
    }
}

/// How a step fails, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Returns an error and changes nothing.
    Before,
    /// Changes everything and returns an error.
    After,
    /// Changes everything and never returns.
    NoAnswer,
    /// Changes nothing and never returns.
    Lost,
    /// Changes nothing and returns success.
    Ignored,
}

impl Fault {
    /// Returns whether the step takes effect.
    pub fn takes_effect(self) -> bool {
        matches!(self, Self::After | Self::NoAnswer)
    }

    /// Returns whether the step returns.
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

/// Returns why the backend didn't converge, if it didn't.
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
    /// Creates a backend that has converged.
    pub fn holding(desired: &Desired) -> Self {
        Self {
            held: Mutex::new(Held {
                rights: rights(desired),
                data: 0,
            }),
            ..Self::default()
        }
    }

    /// Sets the number of the tenant's objects.
    pub fn fill(&self, data: usize) {
        self.held.lock().unwrap().data = data;
    }

    /// Creates a backend where another owns the tenant's names.
    pub fn owned_by(owner: &'static str) -> Self {
        Self {
            owner: Some(owner),
            ..Self::default()
        }
    }

    /// Creates a backend with these faults.
    pub fn failing(faults: &Arc<Faults>) -> Self {
        Self {
            faults: faults.clone(),
            ..Self::default()
        }
    }

    /// Gives the backend another name and condition than `fake` and `FakeReady`.
    pub fn named(self, name: &'static str, condition: &'static str) -> Self {
        Self {
            names: Some((name, condition)),
            ..self
        }
    }

    /// Returns the other name and condition, if it has one.
    pub fn names(&self) -> Option<(&'static str, &'static str)> {
        self.names
    }

    /// Makes the step of this number fail, counted from 0.
    pub fn fail_at(&self, write: usize, fault: Fault) {
        self.faults.fail_at(write, fault);
    }

    /// Returns the state.
    pub fn held(&self) -> Held {
        self.held.lock().unwrap().clone()
    }

    /// Removes a right, as if somebody had done that by hand.
    pub fn lose(&self, right: &'static str) {
        self.held.lock().unwrap().rights.remove(right);
    }

    /// Makes every list fail from now on.
    pub fn go_silent(&self) {
        self.silent.store(true, Ordering::Relaxed);
    }

    /// Returns the number of applied steps, including failed ones.
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
    const NAME: &'static str = "fake";
    const CONDITION: &'static str = "FakeReady";

    type Held = Held;
    type Observed = Held;
    type Step = Step;

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

/// A guard that counts its calls.
#[derive(Default)]
pub struct RecordingGuard {
    refusal: Option<Reason>,
    opening: AtomicUsize,
    closing: AtomicUsize,
    destroying: AtomicUsize,
}

impl RecordingGuard {
    /// Creates a guard that permits nothing, for this reason.
    pub fn refusing(reason: Reason) -> Self {
        Self {
            refusal: Some(reason),
            ..Self::default()
        }
    }

    /// Returns the numbers of calls before opening and before closing.
    pub fn asked(&self) -> (usize, usize) {
        (
            self.opening.load(Ordering::Relaxed),
            self.closing.load(Ordering::Relaxed),
        )
    }

    /// Returns the number of calls before destroying.
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
impl Guard for RecordingGuard {
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
