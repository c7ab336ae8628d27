//! The last look before a tenant's access changes: a lease is not a fence, and what
//! this reconcile began with may be old.

use akili_crds::{Phase, Slug, State, Tenant};
use async_trait::async_trait;
use kube::{Api, ResourceExt};

use super::Context;
use crate::backend::Guard;
use crate::error::{Class, Error};

/// The guard of one reconcile.
pub struct LiveGuard<'a> {
    context: &'a Context,
    slug: &'a Slug,
    uid: Option<String>,
    wanted: State,
}

impl<'a> LiveGuard<'a> {
    /// A guard over what was begun for this Tenant.
    pub fn new(context: &'a Context, slug: &'a Slug, tenant: &Tenant) -> Self {
        Self {
            context,
            slug,
            uid: tenant.uid(),
            wanted: tenant.spec.state,
        }
    }

    async fn confirm_tenant(&self) -> Result<(), Error> {
        let tenants: Api<Tenant> = Api::all(self.context.client.clone());
        let live = tenants.get_opt(self.slug.as_str()).await?;
        let same =
            live.is_some_and(|live| live.uid() == self.uid && live.spec.state == self.wanted);
        if same {
            return Ok(());
        }
        Err(Error::new(
            Class::Conflict,
            "TenantChanged",
            format!("Tenant {} was changed or deleted meanwhile", self.slug),
        ))
    }
}

#[async_trait]
impl Guard for LiveGuard<'_> {
    /// Also asks the registry: a Tenant that was restored from a backup must not open
    /// what the registry calls archived.
    async fn permit_opening(&self) -> Result<(), Error> {
        if self.wanted != State::Archived
            && let Some(row) = self.context.registry.row(self.slug).await?
            && row.state == Phase::Archived
        {
            return Err(super::archived_for_ever(self.slug));
        }
        self.permit_closing().await
    }

    async fn permit_closing(&self) -> Result<(), Error> {
        self.confirm_tenant().await?;
        self.context.leadership.confirm().await
    }
}
