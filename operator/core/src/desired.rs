//! Desired state of a backend for one tenant.

use akili_crds::quota::is_storage_over;
use akili_crds::{Phase, Slug, Tenant, TenantId, TenantQuota, TenantQuotaSpec};
use kube::ResourceExt;

/// Identity of a tenant in every backend.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantKey {
    pub slug: Slug,
    pub id: TenantId,
}

impl TenantKey {
    /// Returns the key of a Tenant whose status has its id.
    pub fn of(tenant: &Tenant) -> Option<Self> {
        let id = tenant.status.as_ref()?.id.as_deref()?;
        Some(Self {
            slug: tenant.name_any().parse().ok()?,
            id: id.parse().ok()?,
        })
    }
}

/// State that a backend should have for a tenant.
#[derive(Clone, Debug, PartialEq)]
pub enum Desired {
    /// The tenant reads and writes.
    Writable {
        limits: TenantQuotaSpec,
        /// Current phase of the tenant: not ACTIVE until every plane is open.
        reached: Phase,
        growth: Growth,
    },
    /// The tenant reads.
    ReadOnly(TenantQuotaSpec),
    /// The tenant has no access; its data is kept.
    NoAccess,
    /// Nothing of the tenant exists.
    Absent,
}

/// Permission for a tenant's storage to grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    /// Writes are allowed.
    Allowed,
    /// Storage is over its limit: the tenant may only delete.
    Denied,
}

impl Growth {
    /// Returns whether the storage of this quota's tenant may grow, by the last measurement.
    pub fn of(quota: &TenantQuota) -> Self {
        let used = quota.status.as_ref().and_then(|it| it.used.as_ref());
        let bytes = used.and_then(|used| used.storage_bytes);
        match is_storage_over(&quota.spec, bytes) {
            true => Self::Denied,
            false => Self::Allowed,
        }
    }
}

/// Effect of a step on a tenant's access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Access stays the same.
    Neutral,
    /// Grants access, or more of it.
    Opens,
    /// Destructive: takes away access, sessions or data.
    Closes,
}
