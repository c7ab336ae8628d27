//! The backends: what each holds for a tenant, and the one way to bring it there.

pub mod access;
pub mod breaker;
pub mod credentials;
pub mod driver;
#[cfg(test)]
pub mod fake;
pub mod kafka;
pub mod kubernetes;
pub mod object_store;
pub mod postgres;
pub mod preflight;
pub mod starrocks;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Display};
use std::hash::Hash;

pub use akili_core::{
    Convergence, Desired, Effect, Growth, Notice, Outcome, Shortfall, StatusReason, TenantKey,
};
use akili_crds::tenant::Resources;
use async_trait::async_trait;

use crate::error::Error;

/// Asked before a step changes what the tenant may do: whether what this reconcile
/// set out to do is still wanted, and still ours to do.
#[async_trait]
pub trait Guard: Send + Sync {
    /// Asked before the first step that opens.
    ///
    /// # Errors
    /// It may not, or nobody can say so now.
    async fn permit_opening(&self) -> Result<(), Error>;

    /// Asked immediately before each step that closes.
    ///
    /// # Errors
    /// It may not, or nobody can say so now.
    async fn permit_closing(&self) -> Result<(), Error>;

    /// Asked immediately before each step towards [`Desired::Absent`]: whether the
    /// tenant's time is over.
    ///
    /// # Errors
    /// It may not, or nobody can say so now.
    async fn permit_destroying(&self) -> Result<(), Error>;
}

/// What a bulk look found.
#[derive(Debug, Default)]
pub struct Drift {
    /// The tenants for which the backend no longer holds what it held when they were
    /// last as desired.
    pub tenants: Vec<TenantKey>,
    /// Why the look couldn't be taken, if it couldn't. Then all of them may have
    /// drifted, and are in the list.
    pub error: Option<Error>,
}

/// A backend as the controller sees it.
#[async_trait]
pub trait Plane: Send + Sync {
    /// Its name in metrics, such as `postgres`.
    fn name(&self) -> &'static str;

    /// The condition of the Tenant that speaks of this backend.
    fn condition(&self) -> &'static str;

    /// Adds the names that the tenant has there.
    fn name_resources(&self, tenant: &TenantKey, resources: &mut Resources);

    /// Brings the backend to what is desired for one tenant: observe, refuse what
    /// another owns, diff, apply, and observe again to be sure.
    async fn converge(
        &self,
        tenant: &TenantKey,
        desired: &Desired,
        guard: &dyn Guard,
    ) -> Convergence;

    /// Looks at all of these tenants together, as far as they were as desired before.
    async fn audit(&self, tenants: &BTreeSet<TenantKey>) -> Drift;
}

/// Remembers what is the tenant's where the backend has no place for a mark.
#[async_trait]
pub trait Claims: Send + Sync {
    /// Whether the topics below the tenant's prefix are its own, whoever made them.
    async fn has_topics(&self, tenant: &TenantKey) -> Result<bool, Error>;

    /// From now on they are.
    async fn claim_topics(&self, tenant: &TenantKey) -> Result<(), Error>;
}

/// One backend. A new one is a folder beside this file and a line where they are listed.
#[async_trait]
pub trait Backend: Send + Sync {
    /// What the backend shows of a tenant when many are looked at; absence is a value.
    type Held: Hash + Send + Sync;
    /// The same, and what can only be looked at for one tenant at a time, such as the
    /// Secret with its credential.
    type Observed: Debug + Send + Sync;
    /// A change to the backend: idempotent, closed, and without a secret in clear.
    /// Displayed as people read it in an event.
    type Step: Debug + Display + PartialEq + Send + Sync;

    /// Its name in metrics, such as `postgres`.
    fn name(&self) -> &'static str;

    /// The condition of the Tenant that speaks of this backend.
    fn condition(&self) -> &'static str;

    /// Adds the names that the tenant has there.
    fn name_resources(&self, _tenant: &TenantKey, _resources: &mut Resources) {}

    /// Reads what is there for these tenants, and changes nothing: in a number of calls
    /// that doesn't grow with them, where the backend can list. One that isn't in the
    /// answer wasn't found.
    async fn list(&self, tenants: &[TenantKey]) -> Result<BTreeMap<TenantKey, Self::Held>, Error>;

    /// Adds to that what has to be looked at for one tenant alone, and changes nothing.
    /// What only a purge must know is looked at only if [`Desired::Absent`] is desired,
    /// and of what has no end, such as objects, no more than a page.
    async fn observe(
        &self,
        tenant: &TenantKey,
        desired: &Desired,
        held: Self::Held,
    ) -> Result<Self::Observed, Error>;

    /// Who else owns what is there under the tenant's name, if somebody does and that is
    /// in the way of what is desired.
    fn foreign_owner(
        &self,
        tenant: &TenantKey,
        desired: &Desired,
        observed: &Self::Observed,
    ) -> Option<String>;

    /// The steps from what is there to what is desired, in order; none when converged.
    /// Towards [`Desired::Absent`] only as many as were looked at: a page.
    fn diff(
        &self,
        tenant: &TenantKey,
        desired: &Desired,
        observed: &Self::Observed,
    ) -> Vec<Self::Step>;

    /// What the step does to the tenant's access, for which the [`Guard`] is asked. On
    /// the way to [`Desired::Absent`] every step is one that destroys.
    fn effect(step: &Self::Step) -> Effect;

    /// Returns what a step that only waits for the backend waits for. The driver doesn't
    /// apply such a step, and leaves it and all later ones to the next reconcile.
    fn awaits(_step: &Self::Step) -> Option<Outcome> {
        None
    }

    /// Takes one step. It may be cut off anywhere: the next reconcile observes and goes on.
    async fn apply(&self, tenant: &TenantKey, step: &Self::Step) -> Result<(), Error>;

    /// How many of the things that have no end the step deletes, for a purge's progress.
    fn deletes(_step: &Self::Step) -> usize {
        0
    }

    /// Something that people should know although there is nothing to do.
    fn notice(&self, _desired: &Desired, _observed: &Self::Observed) -> Option<Notice> {
        None
    }
}
