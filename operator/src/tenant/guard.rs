//! The live check before a tenant's access changes or its data is deleted: a lease is not a fence,
//! and what the reconcile read at its start may be outdated.

use akili_crds::{Phase, State, Tenant};
use async_trait::async_trait;
use kube::{Api, ResourceExt};

use super::context::Context;
use super::registry::row::archived_permanently;
use super::retention::retention;
use crate::backend::{Guard, TenantKey};
use crate::error::{Error, Reason, api_server};

/// The guard of one reconcile.
pub struct LiveGuard<'a> {
    context: &'a Context,
    key: &'a TenantKey,
    uid: Option<String>,
    wanted: State,
}

impl<'a> LiveGuard<'a> {
    /// Creates the guard of a reconcile that began with this Tenant.
    pub fn new(context: &'a Context, key: &'a TenantKey, tenant: &Tenant) -> Self {
        Self {
            context,
            key,
            uid: tenant.uid(),
            wanted: tenant.spec.state,
        }
    }

    /// Returns the Tenant, read live.
    ///
    /// # Errors
    /// `TenantChanged` if it was deleted or recreated, or if its `spec.state` changed.
    pub async fn confirm_tenant(&self) -> Result<Tenant, Error> {
        let tenants: Api<Tenant> = Api::all(self.context.client.clone());
        let live = tenants
            .get_opt(self.key.slug.as_str())
            .await
            .map_err(api_server)?;
        live.filter(|live| live.uid() == self.uid && live.spec.state == self.wanted)
            .ok_or_else(|| self.refusal(Reason::TenantChanged, "was changed or deleted meanwhile"))
    }

    fn refusal(&self, reason: Reason, why: &str) -> Error {
        let message = format!("Tenant {} {why}", self.key.slug);
        Error::new(reason, message)
    }
}

#[async_trait]
impl Guard for LiveGuard<'_> {
    /// Also reads the registry: a Tenant restored from a backup must not open what the registry
    /// calls ARCHIVED.
    async fn permit_opening(&self) -> Result<(), Error> {
        if self.wanted != State::Archived
            && let Some(row) = self.context.registry.row(&self.key.slug).await?
            && row.state == Phase::Archived
        {
            return Err(archived_permanently(&self.key.slug));
        }
        self.permit_closing().await
    }

    async fn permit_closing(&self) -> Result<(), Error> {
        self.confirm_tenant().await?;
        self.context.leadership.confirm().await
    }

    /// Compares times of the registry's clock only, which also wrote when the tenant was archived.
    async fn permit_destroying(&self) -> Result<(), Error> {
        self.context.registry.refuse_foreign()?;
        let live = self.confirm_tenant().await?;
        let retention = retention(&live)?;
        let row = self.context.registry.row(&self.key.slug).await?;
        let is_over = live.spec.state == State::Archived
            && row.is_some_and(|row| {
                let after = row.purge_after(retention);
                let over = after.is_some_and(|after| after <= row.read_at);
                let archived = row.state == Phase::Archived && row.purged_at.is_none();
                row.id == self.key.id && archived && over
            });
        if !is_over {
            return Err(self.refusal(
                Reason::RetentionNotOver,
                "keeps its data until its retention is over",
            ));
        }
        self.context.leadership.confirm().await
    }
}
