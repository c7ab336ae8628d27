//! The object-store plane: one shared bucket, one user and one prefix per tenant.
//!
//! - [`akili_core::object_store`], pure: observed state, steps, a tenant's user, and the policy
//!   documents, whose comments explain how isolation works.
//! - [`client`]: the calls, some of them [`signed`] by the operator; those of a purge are in
//!   `purge`, listings in `listing`. [`error`] classifies failures.
//! - [`measure`]: storage that a tenant uses, page by page.
//! - [`service_binding`]: layout of the tenant's Secret.
//! - [`preflight`]: checks of the gateway for `akili-operator check`.
//! - [`setup`]: builds the plane from the configuration.

pub mod client;
pub mod error;
mod listing;
pub mod measure;
pub mod preflight;
mod purge;
pub mod service_binding;
pub mod setup;
pub mod signed;

use std::collections::BTreeMap;
use std::sync::Arc;

use akili_core::object_store::diff::diff;
use akili_core::object_store::model::{
    Batch, Extra, Held, Marker, Observed, Page, Step, UserState,
};
use akili_core::object_store::policy::{self, Rights};
use akili_crds::condition::types;
use akili_crds::tenant::{ObjectStoreNames, Resources};
use async_trait::async_trait;
use futures::future::try_join;
use futures::stream::{self, StreamExt, TryStreamExt};

use self::client::Client;
use crate::backend::credentials::Credentials;
use crate::backend::{Backend, Desired, Effect, TenantKey};
use crate::error::Error;

/// Number of tenants that are observed at the same time.
const OBSERVE_CONCURRENCY: usize = 8;

/// The object-store plane.
pub struct ObjectStore {
    client: Client,
    credentials: Arc<dyn Credentials>,
}

impl ObjectStore {
    /// Creates the plane of this gateway.
    pub fn new(client: Client, credentials: Arc<dyn Credentials>) -> Self {
        Self {
            client,
            credentials,
        }
    }

    async fn remove(&self, tenant: &TenantKey, extra: &Extra) -> Result<(), Error> {
        match extra {
            Extra::Key(key) => self.client.remove_key(tenant, key).await,
            Extra::Subuser(name) => self.client.remove_subuser(tenant, name).await,
            Extra::Capability(cap) => self.client.remove_capability(tenant, cap).await,
            Extra::Policy(name) => self.client.delete_policy(tenant, name).await,
        }
    }

    async fn put_policy(&self, tenant: &TenantKey, rights: Rights) -> Result<(), Error> {
        let document = policy::document(rights, self.client.bucket(), tenant.id);
        self.client.put_policy(tenant, &document).await
    }

    async fn delete(&self, batch: &Batch) -> Result<(), Error> {
        self.client.delete_objects(&batch.objects).await?;
        for upload in &batch.uploads {
            self.client.abort_upload(upload).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Backend for ObjectStore {
    const NAME: &'static str = "object-store";
    const CONDITION: &'static str = types::OBJECT_STORE_READY;

    type Held = Held;
    type Observed = Observed;
    type Step = Step;

    fn name_resources(&self, tenant: &TenantKey, resources: &mut Resources) {
        resources.object_store = Some(ObjectStoreNames {
            bucket: self.client.bucket().to_owned(),
            prefix: tenant.id.object_prefix(),
            user: tenant.id.object_store_user(),
        });
    }

    /// The gateway can't list users with their policies: two calls per tenant, for the user
    /// and for the owner marker, and one for the bucket.
    async fn list(&self, tenants: &[TenantKey]) -> Result<BTreeMap<TenantKey, Held>, Error> {
        let bucket_protected = self.client.is_bucket_protected().await?;
        let observations = tenants.iter().cloned().map(|tenant| async move {
            let calls = try_join(self.client.user(&tenant), self.client.marker(&tenant));
            let (user, marker) = calls.await?;
            let held = Held {
                bucket_protected,
                user,
                marker,
            };
            Ok((tenant, held))
        });
        stream::iter(observations)
            .buffer_unordered(OBSERVE_CONCURRENCY)
            .try_collect()
            .await
    }

    async fn observe(
        &self,
        tenant: &TenantKey,
        desired: &Desired,
        held: Held,
    ) -> Result<Observed, Error> {
        let (credential, content) = match desired {
            Desired::Absent => (None, self.client.purge_page(tenant).await?),
            _ => (self.credentials.read(tenant).await?, Page::default()),
        };
        let bucket = self.client.bucket();
        let user = held
            .user
            .map(|user| UserState::new(tenant.id, bucket, user, credential.as_ref()));
        Ok(Observed {
            bucket_protected: held.bucket_protected,
            marker: held.marker,
            user,
            credential,
            content,
        })
    }

    /// Users and prefixes are named by the tenant's id; the owner marker holds the id as well.
    fn foreign_owner(
        &self,
        tenant: &TenantKey,
        _desired: &Desired,
        observed: &Observed,
    ) -> Option<String> {
        let Marker::Foreign(owner) = &observed.marker else {
            return None;
        };
        Some(format!(
            "object store: {} in bucket {} marks the prefix as owned by {owner:?}; move those objects \
             elsewhere and delete the marker",
            policy::marker_key(tenant.id),
            self.client.bucket()
        ))
    }

    fn diff(&self, _tenant: &TenantKey, desired: &Desired, observed: &Observed) -> Vec<Step> {
        diff(desired, observed)
    }

    fn effect(step: &Step) -> Effect {
        match step {
            Step::WriteCredential | Step::WriteMarker | Step::CreateUser => Effect::Neutral,
            Step::RepairUser
            | Step::SetKey
            | Step::Resume
            | Step::PutPolicy(Rights::ReadWrite | Rights::ReadDelete) => Effect::Opens,
            Step::ProtectBucket
            | Step::DenyGrowth
            | Step::Remove(_)
            | Step::PutPolicy(Rights::ReadOnly)
            | Step::Suspend
            | Step::DeletePolicy
            | Step::Delete(_)
            | Step::DeleteMarker(_)
            | Step::DeleteUser => Effect::Closes,
        }
    }

    fn deletes(step: &Step) -> usize {
        match step {
            Step::Delete(batch) => batch.count(),
            _ => 0,
        }
    }

    async fn apply(&self, tenant: &TenantKey, step: &Step) -> Result<(), Error> {
        match step {
            Step::WriteCredential => self.credentials.write(tenant).await,
            Step::ProtectBucket => self.client.protect_bucket().await,
            Step::WriteMarker => self.client.write_marker(tenant).await,
            Step::CreateUser => self.client.create_user(tenant).await,
            Step::RepairUser => self.client.repair_user(tenant).await,
            Step::Remove(extra) => self.remove(tenant, extra).await,
            Step::SetKey => {
                let secret = self.credentials.password(tenant).await?;
                self.client.set_key(tenant, &secret).await
            }
            Step::Resume => self.client.set_suspended(tenant, false).await,
            Step::PutPolicy(rights) => self.put_policy(tenant, *rights).await,
            Step::DenyGrowth => self.put_policy(tenant, Rights::ReadDelete).await,
            Step::Suspend => self.client.set_suspended(tenant, true).await,
            Step::DeletePolicy => self.client.delete_policy(tenant, policy::NAME).await,
            Step::Delete(batch) => self.delete(batch).await,
            Step::DeleteMarker(versions) => self.client.delete_objects(versions).await,
            Step::DeleteUser => self.client.delete_user(tenant).await,
        }
    }
}
