//! Reads a tenant from the API server.

use akili_crds::{Slug, Tenant, TenantQuota};
use kube::{Api, Client};

use crate::document::Document;
use crate::failure::Failure;

/// Reads a tenant and its document.
pub async fn fetch(client: &Client, slug: &Slug) -> Result<(Tenant, Document), Failure> {
    let tenant = find(client, slug).await?;
    let quotas: Api<TenantQuota> = Api::all(client.clone());
    let quota = quotas.get_opt(slug.as_str()).await;
    let quota = quota.map_err(|error| Failure::about_tenant(slug.as_str(), &error))?;
    let document = Document::new(&tenant, quota.as_ref());
    Ok((tenant, document))
}

/// Reads a tenant.
pub async fn find(client: &Client, slug: &Slug) -> Result<Tenant, Failure> {
    let tenants: Api<Tenant> = Api::all(client.clone());
    let found = tenants.get(slug.as_str()).await;
    found.map_err(|error| Failure::about_tenant(slug.as_str(), &error))
}
