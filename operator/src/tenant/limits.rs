//! A tenant's limits: reads its TenantQuota, creates it where it is absent, and watches for changes.

use std::collections::HashMap;
use std::future::ready;

use akili_crds::{Slug, Tenant, TenantQuota, TenantQuotaSpec};
use futures::{Stream, StreamExt};
use kube::api::{Api, PostParams};
use kube::core::{ApiResource, DynamicObject};
use kube::runtime::watcher::Event;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, Resource, ResourceExt};
use serde_json::json;

use super::context::Context;
use super::guard::LiveGuard;
use crate::backend::{Growth, TenantKey};
use crate::backoff::{Readable, watch_backoff};
use crate::error::{Error, Reason, api_server};

/// Returns the tenant's limits, and whether its storage may grow. Creates its TenantQuota with the
/// defaults if there is none.
pub async fn limits(
    tenant: &Tenant,
    context: &Context,
    key: &TenantKey,
) -> Result<(TenantQuotaSpec, Growth), Error> {
    let quotas: Api<TenantQuota> = Api::all(context.client.clone());
    if let Some(quota) = quotas
        .get_opt(key.slug.as_str())
        .await
        .map_err(api_server)?
    {
        let growth = Growth::of(&quota);
        return Ok((quota.spec, growth));
    }
    // If Tenant and quota were both deleted, an admin re-applies the quota first. Don't create a
    // default one for a deleted Tenant.
    let guard = LiveGuard::new(context, key, tenant);
    guard.confirm_tenant().await?;
    // With an empty spec, so that the CRD's defaults fill it and no field is owned.
    let quotas: Api<DynamicObject> = Api::all_with(
        context.client.clone(),
        &ApiResource::erase::<TenantQuota>(&()),
    );
    let empty = serde_json::from_value(json!({
        "apiVersion": TenantQuota::api_version(&()),
        "kind": TenantQuota::kind(&()),
        "metadata": {"name": key.slug.as_str()},
        "spec": {},
    }))
    .map_err(|error| Error::new(Reason::InvalidQuota, error))?;
    match quotas.create(&PostParams::default(), &empty).await {
        Err(kube::Error::Api(status)) if status.code == 409 => {}
        answer => drop(answer.map_err(|error| without_quota(&key.slug, api_server(error)))?),
    }
    Ok((TenantQuotaSpec::default(), Growth::Allowed))
}

fn without_quota(slug: &Slug, why: Error) -> Error {
    let message = format!(
        "failed to create TenantQuota {slug}: {why}; check whether the CRD tenantquotas.akili.io is installed"
    );
    Error { message, ..why }
}

/// Watches for TenantQuotas whose limits changed, or whose storage may no longer or may again grow.
/// Any other change of usage is no reason to reconcile a tenant.
pub fn watch(client: Client) -> impl Stream<Item = Result<Readable<TenantQuota>, watcher::Error>> {
    let quotas: Api<Readable<TenantQuota>> = Api::all(client);
    let mut known = HashMap::new();
    let watch = watcher(quotas, watcher::Config::default()).backoff(watch_backoff());
    watch.filter_map(move |event| {
        ready(match event {
            Ok(Event::Init | Event::InitDone) => None,
            Ok(Event::InitApply(quota) | Event::Apply(quota)) => {
                let growth = quota.0.as_ref().ok().map(Growth::of);
                let relevant = (quota.uid(), quota.meta().generation, growth);
                let before = known.insert(quota.name_any(), relevant.clone());
                (before != Some(relevant)).then_some(Ok(quota))
            }
            Ok(Event::Delete(quota)) => {
                known.remove(&quota.name_any());
                Some(Ok(quota))
            }
            Err(error) => Some(Err(error)),
        })
    })
}
