//! What a tenant may use.

use akili_crds::{Slug, Tenant, TenantQuota, TenantQuotaSpec};
use kube::Resource;
use kube::api::{Api, PostParams};
use kube::core::{ApiResource, DynamicObject};
use serde_json::json;

use super::Context;
use super::guard::LiveGuard;
use crate::backend::{Growth, TenantKey};
use crate::error::{Class, Error};
use crate::quota;

/// The tenant's limits, and whether its storage may grow; its TenantQuota is made with the
/// defaults if there is none.
pub async fn limits(
    tenant: &Tenant,
    context: &Context,
    key: &TenantKey,
) -> Result<(TenantQuotaSpec, Growth), Error> {
    let quotas: Api<TenantQuota> = Api::all(context.client.clone());
    if let Some(quota) = quotas.get_opt(key.slug.as_str()).await? {
        let growth = quota::growth(&quota);
        return Ok((quota.spec, growth));
    }
    // Whoever took both away gives the quota back first: it must not be there by then.
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
    .map_err(|error| Error::new(Class::Invalid, "InvalidQuota", error))?;
    match quotas.create(&PostParams::default(), &empty).await {
        Err(kube::Error::Api(status)) if status.code == 409 => {}
        answer => drop(answer.map_err(|error| without_quota(&key.slug, error.into()))?),
    }
    Ok((TenantQuotaSpec::default(), Growth::Allowed))
}

fn without_quota(slug: &Slug, why: Error) -> Error {
    let message = format!(
        "TenantQuota {slug} can't be made: {why}; see whether the CRD tenantquotas.akili.io is installed"
    );
    Error { message, ..why }
}
