//! The object store's plane: one bucket for all, one user and one prefix a tenant.
//!
//! - [`policy`]: what a tenant may do; pure. How isolation works is written there.
//! - [`diff`]: what is to be done for one tenant; pure.
//! - [`user`]: a tenant's user as the gateway shows it; pure.
//! - [`binding`]: what tenants are told of it.
//! - [`preflight`]: whether the gateway is fit for all this.
//! - [`measure`]: how much a tenant has; sums, page by page.
//! - [`client`]: the calls, some of them [`signed`] by hand; those of a purge are in `below`,
//!   and those that list in `listing`.

mod below;
pub mod binding;
pub mod client;
pub mod diff;
pub mod error;
mod listing;
pub mod measure;
pub mod policy;
pub mod preflight;
pub mod signed;
pub mod user;

use std::collections::BTreeMap;
use std::sync::Arc;

use akili_crds::condition::types;
use akili_crds::tenant::{ObjectStoreNames, Resources};
use async_trait::async_trait;
use futures::future::try_join;
use futures::stream::{self, StreamExt, TryStreamExt};

use self::client::Client;
use self::diff::{Batch, Extra, Marker, Observed, Page, Policy, Step};
use self::policy::Rights;
use self::user::User;
use crate::backend::credentials::{Credential, Credentials};
use crate::backend::{Backend, Desired, Effect, TenantKey};
use crate::error::Error;

/// How many tenants are looked at at the same time.
const AT_A_TIME: usize = 8;

/// The object store's plane.
pub struct ObjectStore {
    client: Client,
    credentials: Arc<dyn Credentials>,
}

/// What the gateway shows of a tenant.
#[derive(Clone, Debug, Hash)]
pub struct Held {
    bucket_protected: bool,
    user: Option<User>,
    marker: Marker,
}

impl ObjectStore {
    /// The plane of this gateway.
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
    type Held = Held;
    type Observed = Observed;
    type Step = Step;

    fn name(&self) -> &'static str {
        "object-store"
    }

    fn condition(&self) -> &'static str {
        types::OBJECT_STORE_READY
    }

    fn name_resources(&self, tenant: &TenantKey, resources: &mut Resources) {
        resources.object_store = Some(ObjectStoreNames {
            bucket: self.client.bucket().to_owned(),
            prefix: tenant.id.object_prefix(),
            user: tenant.id.object_store_user(),
        });
    }

    /// The gateway can't show many users with their policies at once: that takes two
    /// calls a tenant, for the user and for the marker, and one for the bucket.
    async fn list(&self, tenants: &[TenantKey]) -> Result<BTreeMap<TenantKey, Held>, Error> {
        let bucket_protected = self.client.is_protected().await?;
        let looks = tenants.iter().cloned().map(|tenant| async move {
            let looks = try_join(self.client.user(&tenant), self.client.marker(&tenant));
            let (user, marker) = looks.await?;
            let held = Held {
                bucket_protected,
                user,
                marker,
            };
            Ok((tenant, held))
        });
        stream::iter(looks)
            .buffer_unordered(AT_A_TIME)
            .try_collect()
            .await
    }

    async fn observe(
        &self,
        tenant: &TenantKey,
        desired: &Desired,
        held: Held,
    ) -> Result<Observed, Error> {
        let (credential, below) = match desired {
            Desired::Absent => (None, self.client.below(tenant).await?),
            _ => (self.credentials.read(tenant).await?, Page::default()),
        };
        let bucket = self.client.bucket();
        let user = held
            .user
            .map(|user| judge(tenant, bucket, user, credential.as_ref()));
        Ok(Observed {
            bucket_protected: held.bucket_protected,
            marker: held.marker,
            user,
            credential,
            below,
        })
    }

    /// Users and prefixes carry the tenant's id, and the marker says the same.
    fn foreign_owner(
        &self,
        tenant: &TenantKey,
        _desired: &Desired,
        observed: &Observed,
    ) -> Option<String> {
        let Marker::Another(owner) = &observed.marker else {
            return None;
        };
        Some(format!(
            "object store: {} in bucket {} says that the prefix belongs to {owner:?}; move that \
             elsewhere and delete the marker",
            policy::marker(tenant.id),
            self.client.bucket()
        ))
    }

    fn diff(&self, _tenant: &TenantKey, desired: &Desired, observed: &Observed) -> Vec<Step> {
        diff::diff(desired, observed)
    }

    fn effect(step: &Step) -> Effect {
        match step {
            Step::WriteCredential | Step::WriteMarker | Step::CreateUser => Effect::Neutral,
            Step::MendUser
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
            Step::ProtectBucket => self.client.protect().await,
            Step::WriteMarker => self.client.write_marker(tenant).await,
            Step::CreateUser => self.client.create_user(tenant).await,
            Step::MendUser => self.client.mend_user(tenant).await,
            Step::Remove(extra) => self.remove(tenant, extra).await,
            Step::SetKey => {
                let secret = self.credentials.password(tenant).await?;
                self.client.set_key(tenant, &secret).await
            }
            Step::Resume => self.client.suspend(tenant, false).await,
            Step::PutPolicy(rights) => self.put_policy(tenant, *rights).await,
            Step::DenyGrowth => self.put_policy(tenant, Rights::ReadDelete).await,
            Step::Suspend => self.client.suspend(tenant, true).await,
            Step::DeletePolicy => self.client.delete_policy(tenant, policy::NAME).await,
            Step::Delete(batch) => self.delete(batch).await,
            Step::DeleteMarker(versions) => self.client.delete_objects(versions).await,
            Step::DeleteUser => self.client.delete_user(tenant).await,
        }
    }
}

/// What is as it should be of a user, and what is there beside it.
fn judge(
    tenant: &TenantKey,
    bucket: &str,
    user: User,
    credential: Option<&Credential>,
) -> diff::User {
    let own_key = tenant.id.object_store_access_key();
    let has_key = credential
        .is_some_and(|credential| user.keys.get(&own_key) == Some(&credential.password.sha256()));
    let policy = user.policies.get(policy::NAME).map(|document| {
        let found: Option<serde_json::Value> = serde_json::from_str(document).ok();
        let ours = Rights::ALL.into_iter();
        ours.map(|rights| (rights, policy::document(rights, bucket, tenant.id)))
            .find(|(_, document)| Some(document) == found.as_ref())
            .map_or(Policy::Other, |(rights, _)| Policy::Of(rights))
    });
    let keys = user
        .keys
        .into_keys()
        .filter(|key| *key != own_key)
        .map(Extra::Key);
    let policies = user
        .policies
        .into_keys()
        .filter(|name| name != policy::NAME);
    let extras = user
        .subusers
        .into_iter()
        .map(Extra::Subuser)
        .chain(keys)
        .chain(user.capabilities.into_iter().map(Extra::Capability))
        .chain(policies.map(Extra::Policy))
        .collect();
    diff::User {
        suspended: user.suspended,
        sound: user.sound,
        has_key,
        policy,
        extras,
    }
}
