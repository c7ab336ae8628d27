//! What every plane has to hold for a tenant. Pure.

use akili_crds::{Phase, TenantQuotaSpec};

use crate::backend::{Desired, Growth};

/// Returns what every plane has to hold for a tenant that is taken to `target`.
pub fn desired(target: Phase, reached: Phase, limits: TenantQuotaSpec, growth: Growth) -> Desired {
    match target {
        Phase::Active | Phase::Provisioning => Desired::Writable {
            limits,
            reached,
            growth,
        },
        Phase::Suspended => Desired::ReadOnly(limits),
        Phase::Archived => Desired::NoAccess,
    }
}
