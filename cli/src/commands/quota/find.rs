//! Reads a quota from the API server.

use akili_crds::{Slug, TenantQuota};
use kube::{Api, Client};

use crate::failure::Failure;

/// Reads a tenant's quota.
pub async fn find_quota(client: &Client, slug: &Slug) -> Result<TenantQuota, Failure> {
    let quotas: Api<TenantQuota> = Api::all(client.clone());
    let found = quotas.get(slug.as_str()).await;
    found.map_err(|error| Failure::about_quota(slug.as_str(), &error))
}
