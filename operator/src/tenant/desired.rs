//! Desired state of every plane for a tenant. Pure.

use akili_crds::{Phase, TenantQuotaSpec};

use crate::backend::{Desired, Growth};

/// Returns the desired state of every plane for a tenant whose target phase is `target`.
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
