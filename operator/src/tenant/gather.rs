//! Gathers what a reconcile works from: the tenant's key, its registry row and its limits.

use std::time::Duration;

use akili_crds::lifecycle::purge_may_have_begun;
use akili_crds::names::InvalidSlug;
use akili_crds::{Phase, Slug, State, Tenant, TenantId, TenantQuotaSpec};
use jiff::Timestamp;
use kube::ResourceExt;
use tokio::time::timeout;

use super::context::Context;
use super::limits::limits;
use super::registry::row::{RegistryLookup, Row, archived_permanently, retired};
use super::retention::retention;
use crate::backend::{Growth, TenantKey};
use crate::error::{Error, Reason};

/// How long suspending or archiving a tenant that has its id waits for its row.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Input of a reconcile.
pub struct Gathered {
    pub key: TenantKey,
    pub registry: RegistryLookup,
    pub limits: TenantQuotaSpec,
    pub growth: Growth,
}

/// Reads the tenant's row if it is needed, and its limits.
///
/// # Errors
/// The tenant can't be reconciled: its Tenant is invalid, or the registry or the API server
/// didn't answer.
pub async fn gather(tenant: &Tenant, context: &Context) -> Result<Gathered, Error> {
    let (key, registry) = identify(tenant, context).await?;
    let (limits, growth) = limits(tenant, context, &key).await?;
    Ok(Gathered {
        key,
        registry,
        limits,
        growth,
    })
}

/// Returns the tenant's key and row. Skips the registry for tenants already in their desired state,
/// except archived ones, whose row holds the purge date. Suspending and archiving wait at most
/// [`TIMEOUT`] for the registry, then proceed in the other backends.
async fn identify(
    tenant: &Tenant,
    context: &Context,
) -> Result<(TenantKey, RegistryLookup), Error> {
    context.registry.refuse_foreign()?;
    let slug: Slug = tenant
        .name_any()
        .parse()
        .map_err(|error: InvalidSlug| Error::new(Reason::InvalidSlug, error))?;
    let known = tenant
        .status
        .as_ref()
        .and_then(|status| status.id.as_deref())
        .map(parse_id)
        .transpose()?;
    let wanted = tenant.spec.state;
    let arrived = tenant.phase() == wanted.into();
    let needless = arrived && wanted != State::Archived && !is_refused(tenant);
    if let (Some(id), true) = (known, needless) {
        return Ok((TenantKey { slug, id }, RegistryLookup::NotNeeded));
    }
    let row = registered(tenant, context, &slug, known);
    // A tenant whose data may be partly deleted is not recreated.
    let closes = wanted != State::Active && !purge_may_have_begun(tenant, Timestamp::now());
    let Some(id) = known.filter(|_| closes) else {
        let row = row.await?;
        return Ok((TenantKey { slug, id: row.id }, RegistryLookup::Found(row)));
    };
    match timeout(TIMEOUT, row)
        .await
        .unwrap_or_else(|_| Err(timed_out()))
    {
        Ok(row) => Ok((TenantKey { slug, id: row.id }, RegistryLookup::Found(row))),
        Err(error) if error.reason == Reason::RegistryUnavailable => {
            Ok((TenantKey { slug, id }, RegistryLookup::Unavailable(error)))
        }
        Err(error) => Err(error),
    }
}

fn timed_out() -> Error {
    Error::new(
        Reason::RegistryUnavailable,
        format!(
            "reading the registry: PostgreSQL hasn't answered within {TIMEOUT:?}; check that it is up"
        ),
    )
}

/// Returns whether a plane refused to open because the row says that the tenant is archived.
fn is_refused(tenant: &Tenant) -> bool {
    let status = tenant.status.as_ref();
    let mut conditions = status.into_iter().flat_map(|status| &status.conditions);
    conditions.any(|condition| condition.reason.parse() == Ok(Reason::TenantArchived))
}

/// Returns the tenant's row, created if there is none. Archives the row if the Tenant asks for
/// that, and moves its purge date to the Tenant's retention.
async fn registered(
    tenant: &Tenant,
    context: &Context,
    slug: &Slug,
    known: Option<TenantId>,
) -> Result<Row, Error> {
    let seed = match known {
        Some(id) => Some(id),
        None => tenant.spec.id.as_deref().map(parse_id).transpose()?,
    };
    let registry = &context.registry;
    let row = registry.enroll(slug, seed).await?;
    // Only the Tenant that was purged has its id in its status: any other is a new one.
    if row.purged_at.is_some() && known.is_none() {
        return Err(retired(slug));
    }
    let retention = retention(tenant)?;
    match (tenant.spec.state, row.state) {
        (State::Archived, Phase::Archived) => {
            let kept_until = row.purge_after.as_ref().map(|time| time.0);
            match retention {
                Some(retention)
                    if row.purged_at.is_none()
                        && row.purge_after(Some(retention)) != kept_until =>
                {
                    registry.keep_for(slug, retention).await?;
                    registry.enroll(slug, seed).await
                }
                _ => Ok(row),
            }
        }
        (State::Archived, _) => {
            let retention = retention.unwrap_or(context.retention);
            registry.archive(slug, retention).await?;
            registry.enroll(slug, seed).await
        }
        // A Tenant that has its id comes from a backup: the planes that it opened are closed.
        (_, Phase::Archived) if known.is_none() || row.purged_at.is_some() => {
            Err(archived_permanently(slug))
        }
        _ => Ok(row),
    }
}

fn parse_id(id: &str) -> Result<TenantId, Error> {
    id.parse()
        .map_err(|error| Error::new(Reason::InvalidId, error))
}
