//! Which tenant it is, and what the registry says of it.

use std::time::Duration;

use akili_crds::names::InvalidSlug;
use akili_crds::{Phase, Slug, State, Tenant, TenantId};
use kube::ResourceExt;
use tokio::time::timeout;

use super::registry::{LONGEST_RETENTION, Row, UNAVAILABLE};
use super::{Context, phase, purge};
use crate::backend::TenantKey;
use crate::error::{Class, Error, TENANT_ARCHIVED};

/// The tenant's key, if it has its id.
pub fn key(tenant: &Tenant) -> Option<TenantKey> {
    let id = tenant.status.as_ref()?.id.as_deref()?;
    Some(TenantKey {
        slug: tenant.name_any().parse().ok()?,
        id: parse_id(id).ok()?,
    })
}

/// The tenant's row, if one is needed; or why it can't be read, if it can be done without.
pub type Known = Result<Option<Row>, Error>;

/// How long one that has its id and is to be closed waits for its row.
const PATIENCE: Duration = Duration::from_secs(1);

/// A tenant that is what it should be needs no row, unless it is archived, for the row
/// says until when; one that is to be closed is soon closed in the other planes although
/// the registry can't be asked.
pub async fn identify(tenant: &Tenant, context: &Context) -> Result<(TenantKey, Known), Error> {
    context.registry.refuse_foreign()?;
    let slug: Slug = tenant
        .name_any()
        .parse()
        .map_err(|error: InvalidSlug| Error::new(Class::Invalid, "InvalidSlug", error))?;
    let known = tenant
        .status
        .as_ref()
        .and_then(|status| status.id.as_deref())
        .map(parse_id)
        .transpose()?;
    let wanted = tenant.spec.state;
    let arrived = phase(tenant) == wanted.into();
    let needless = arrived && wanted != State::Archived && !is_refused(tenant);
    if let (Some(id), true) = (known, needless) {
        return Ok((TenantKey { slug, id }, Ok(None)));
    }
    let row = registered(tenant, context, &slug, known);
    // What may be half purged is not put back.
    let closes = wanted != State::Active && !purge::may_have_begun(tenant);
    let Some(id) = known.filter(|_| closes) else {
        let row = row.await?;
        return Ok((TenantKey { slug, id: row.id }, Ok(Some(row))));
    };
    match timeout(PATIENCE, row).await.unwrap_or_else(|_| Err(late())) {
        Ok(row) => Ok((TenantKey { slug, id: row.id }, Ok(Some(row)))),
        Err(error) if error.reason == UNAVAILABLE => Ok((TenantKey { slug, id }, Err(error))),
        Err(error) => Err(error),
    }
}

fn late() -> Error {
    Error::new(
        Class::Transient,
        UNAVAILABLE,
        format!(
            "reading the registry: PostgreSQL hasn't answered within {PATIENCE:?}; check that it is up"
        ),
    )
}

/// Whether a plane wasn't opened, because the row says that the tenant is archived.
fn is_refused(tenant: &Tenant) -> bool {
    let status = tenant.status.as_ref();
    let mut conditions = status.into_iter().flat_map(|status| &status.conditions);
    conditions.any(|condition| condition.reason == TENANT_ARCHIVED)
}

/// The tenant's row, which is archived now if that is what is wanted, and kept for as long
/// as the Tenant says.
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
    // Only the Tenant that was purged has its id in its status.
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
        // One that has its id is from a backup, and closed wherever that has opened it.
        (_, Phase::Archived) if known.is_none() || row.purged_at.is_some() => {
            Err(archived_for_ever(slug))
        }
        _ => Ok(row),
    }
}

fn retired(slug: &Slug) -> Error {
    Error::new(
        Class::Invalid,
        "SlugRetired",
        format!(
            "the tenant that was called {slug} was purged, and its name is never used again: choose another"
        ),
    )
}

/// What is said of an archived tenant that is wanted otherwise.
pub fn archived_for_ever(slug: &Slug) -> Error {
    Error::new(
        Class::Invalid,
        TENANT_ARCHIVED,
        format!(
            "tenant {slug} is archived for ever: set spec.state to Archived, or choose another name"
        ),
    )
}

/// How long the tenant's data is to be kept once it is archived, if its Tenant says so.
pub fn retention(tenant: &Tenant) -> Result<Option<Duration>, Error> {
    let Some(text) = &tenant.spec.retention else {
        return Ok(None);
    };
    let duration: kube::core::Duration = text.parse().map_err(|error| {
        Error::new(
            Class::Invalid,
            "InvalidRetention",
            format!("spec.retention {text}: {error}"),
        )
    })?;
    Ok(Some(Duration::from(duration).min(LONGEST_RETENTION)))
}

fn parse_id(id: &str) -> Result<TenantId, Error> {
    id.parse()
        .map_err(|error| Error::new(Class::Invalid, "InvalidId", error))
}
