//! Which desired state each plane converged to last, for each tenant: distinguishes drift from work
//! that was asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use akili_crds::Phase;

use crate::backend::{Desired, TenantKey};

/// The desired state that each plane converged to last, by plane and tenant. Kept in memory only: a
/// new leader knows nothing.
#[derive(Default)]
pub struct History(Mutex<BTreeMap<&'static str, BTreeMap<TenantKey, Desired>>>);

impl History {
    /// Records that a plane begins to converge to `desired`. Returns whether it had converged to
    /// exactly that before: any step that it needs now repairs drift. A different state is
    /// forgotten, so an attempt that fails or is cut off leaves no record.
    pub fn begin(&self, plane: &'static str, tenant: &TenantKey, desired: &Desired) -> bool {
        let mut planes = self.planes();
        let tenants = planes.entry(plane).or_default();
        let had_converged = tenants.get(tenant) == Some(&without_phase(desired));
        if !had_converged {
            tenants.remove(tenant);
        }
        had_converged
    }

    /// Records that a plane has converged to `desired`.
    pub fn converged(&self, plane: &'static str, tenant: &TenantKey, desired: &Desired) {
        let mut planes = self.planes();
        let tenants = planes.entry(plane).or_default();
        tenants.insert(tenant.clone(), without_phase(desired));
    }

    /// Forgets all other tenants in this plane.
    pub fn retain(&self, plane: &'static str, known: &BTreeSet<TenantKey>) {
        if let Some(tenants) = self.planes().get_mut(plane) {
            tenants.retain(|tenant, _| known.contains(tenant));
        }
    }

    fn planes(&self) -> MutexGuard<'_, BTreeMap<&'static str, BTreeMap<TenantKey, Desired>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The phase changes after every plane has converged, and no plane has anything to do then: the
/// controller itself opens the namespace.
fn without_phase(desired: &Desired) -> Desired {
    match desired {
        Desired::Writable { limits, growth, .. } => Desired::Writable {
            limits: limits.clone(),
            reached: Phase::Active,
            growth: *growth,
        },
        other => other.clone(),
    }
}
