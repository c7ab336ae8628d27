//! Desired states for tests.

use akili_crds::{Phase, TenantQuotaSpec};

use crate::{Desired, Growth};

/// Returns the desired states of a tenant that is not purged: writable, read-only, no access.
pub fn all_states() -> [Desired; 3] {
    let limits = TenantQuotaSpec::default();
    [
        Desired::Writable {
            limits: limits.clone(),
            reached: Phase::Active,
            growth: Growth::Allowed,
        },
        Desired::ReadOnly(limits),
        Desired::NoAccess,
    ]
}

/// Returns the desired state of an active tenant whose storage is over its limit.
pub fn over_its_limit() -> Desired {
    Desired::Writable {
        limits: TenantQuotaSpec::default(),
        reached: Phase::Active,
        growth: Growth::Denied,
    }
}
