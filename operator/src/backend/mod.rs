//! The backends: what each holds for a tenant, and how it converges.

pub mod breaker;
pub mod call;
pub mod credentials;
pub mod driver;
#[cfg(test)]
pub mod fake;
pub mod kafka;
pub mod kubernetes;
pub mod object_store;
pub mod postgres;
pub mod preflight;
pub mod registry;
pub mod setup;
pub mod starrocks;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Display};
use std::hash::Hash;

pub use akili_core::{
    Convergence, Desired, Effect, Growth, Notice, Outcome, Shortfall, StatusReason, TenantKey,
};
use akili_crds::Tenant;
use akili_crds::tenant::Resources;
use async_trait::async_trait;

use crate::error::Error;

/// Live checks before a step changes a tenant's access: whether the Tenant still wants what the
/// reconcile started with, and whether this process still holds the lease.
#[async_trait]
pub trait Guard: Send + Sync {
    /// Called before the first step that opens.
    ///
    /// # Errors
    /// The step must not be applied, or the check failed.
    async fn permit_opening(&self) -> Result<(), Error>;

    /// Called immediately before each step that closes.
    ///
    /// # Errors
    /// The step must not be applied, or the check failed.
    async fn permit_closing(&self) -> Result<(), Error>;

    /// Called immediately before each step towards [`Desired::Absent`]; also checks that the
    /// tenant's retention is over.
    ///
    /// # Errors
    /// The step must not be applied, or the check failed.
    async fn permit_destroying(&self) -> Result<(), Error>;
}

/// Result of an audit.
#[derive(Debug, Default)]
pub struct Drift {
    /// Tenants for which the backend no longer holds what it held when they last converged.
    pub tenants: Vec<TenantKey>,
    /// Why the backend couldn't be listed. Then all tenants may have drifted, and are in the list.
    pub error: Option<Error>,
}

/// A backend as the controller uses it.
#[async_trait]
pub trait Plane: Send + Sync {
    /// Returns the label in metrics, such as `postgres`.
    fn name(&self) -> &'static str;

    /// Returns the type of the Tenant's condition for this backend.
    fn condition(&self) -> &'static str;

    /// Adds the names of the tenant's objects.
    fn name_resources(&self, tenant: &TenantKey, resources: &mut Resources);

    /// Lets the tenant have objects that an admin gives to it by an annotation on its Tenant.
    async fn adopt(&self, tenant: &Tenant, key: &TenantKey) -> Result<(), Error>;

    /// Converges one tenant: observe, refuse what another owns, diff, apply, and observe again
    /// to be sure.
    async fn converge(
        &self,
        tenant: &TenantKey,
        desired: &Desired,
        guard: &dyn Guard,
    ) -> Convergence;

    /// Lists all of these tenants that have converged, and returns those that changed since.
    async fn audit(&self, tenants: &BTreeSet<TenantKey>) -> Drift;
}

/// One backend. A new backend is a folder beside this file and a line in [`registry`].
#[async_trait]
pub trait Backend: Send + Sync {
    /// Label in metrics, such as `postgres`.
    const NAME: &'static str;
    /// Type of the Tenant's condition for this backend.
    const CONDITION: &'static str;

    /// A tenant's entry in the backend's list; absence is a value.
    type Held: Hash + Send + Sync;
    /// The same, and what can only be read for one tenant at a time, such as the Secret with
    /// its credential.
    type Observed: Debug + Send + Sync;
    /// A change to the backend: idempotent, closed, and without a secret in clear. Displayed
    /// in the imperative, such as `create topic events`, for events and pending conditions.
    type Step: Debug + Display + PartialEq + Send + Sync;

    /// Adds the names of the tenant's objects.
    fn name_resources(&self, _tenant: &TenantKey, _resources: &mut Resources) {}

    /// Lets the tenant have objects that an admin gives to it by an annotation on its Tenant.
    async fn adopt(&self, _tenant: &Tenant, _key: &TenantKey) -> Result<(), Error> {
        Ok(())
    }

    /// Reads the state of these tenants, in a number of calls that doesn't grow with them where
    /// the backend can list. A tenant that isn't in the result wasn't found.
    async fn list(&self, tenants: &[TenantKey]) -> Result<BTreeMap<TenantKey, Self::Held>, Error>;

    /// Adds what has to be read for one tenant alone. What only a purge needs is read only for
    /// [`Desired::Absent`], and of what has no end, such as objects, no more than a page.
    async fn observe(
        &self,
        tenant: &TenantKey,
        desired: &Desired,
        held: Self::Held,
    ) -> Result<Self::Observed, Error>;

    /// Returns a message about another owner of the tenant's names, if that prevents the desired
    /// state. By default there is none: names that contain the tenant's id are nobody else's.
    fn foreign_owner(
        &self,
        _tenant: &TenantKey,
        _desired: &Desired,
        _observed: &Self::Observed,
    ) -> Option<String> {
        None
    }

    /// Returns the steps from the observed to the desired state, in order; none when converged.
    /// Towards [`Desired::Absent`] only as many as were observed: a page.
    fn diff(
        &self,
        tenant: &TenantKey,
        desired: &Desired,
        observed: &Self::Observed,
    ) -> Vec<Self::Step>;

    /// Returns the step's effect on the tenant's access, for which the [`Guard`] is called. On
    /// the way to [`Desired::Absent`] every step is one that destroys.
    fn effect(step: &Self::Step) -> Effect;

    /// Returns what a step that only waits for the backend waits for. The driver doesn't
    /// apply such a step, and leaves it and all later ones to the next reconcile.
    fn awaits(_step: &Self::Step) -> Option<Outcome> {
        None
    }

    /// Applies one step. It may be interrupted anywhere: the next reconcile observes and
    /// continues.
    async fn apply(&self, tenant: &TenantKey, step: &Self::Step) -> Result<(), Error>;

    /// Returns how many of the objects that have no end the step deletes, for a purge's progress.
    fn deletes(_step: &Self::Step) -> usize {
        0
    }

    /// Returns what people should know although the backend has converged.
    fn notice(&self, _desired: &Desired, _observed: &Self::Observed) -> Option<Notice> {
        None
    }
}
