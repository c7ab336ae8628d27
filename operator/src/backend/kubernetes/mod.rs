//! The Kubernetes plane: a tenant's namespace, the objects in it, and its cluster role.
//!
//! - [`akili_core::kubernetes`], pure: settings, desired and observed objects, and steps.
//! - [`credentials`]: the Secrets that hold a tenant's credentials.
//! - [`setup`]: builds the plane from the configuration.

pub mod credentials;
#[cfg(test)]
pub mod fake;
pub mod setup;

use std::collections::{BTreeMap, HashMap};

use akili_core::kubernetes::diff::diff;
use akili_core::kubernetes::model::{Held, Manifest, ObjectRef, Observed, Step};
use akili_core::kubernetes::objects;
use akili_core::kubernetes::settings::Settings;
use akili_crds::names::LABEL_TENANT_ID;
use akili_crds::{Phase, condition};
use async_trait::async_trait;
use futures::future::try_join_all;
use jiff::Timestamp;
use kube::Client;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject};

use super::{Backend, Desired, Effect, Outcome, TenantKey};
use crate::error::{Error, Reason, api_server};

/// Field manager of everything that the operator applies.
pub const FIELD_MANAGER: &str = "akili-operator";

/// Number of objects that the API server returns per call.
const PAGE_SIZE: u32 = 500;

/// The Kubernetes plane.
pub struct Kubernetes {
    client: Client,
    settings: Settings,
}

impl Kubernetes {
    /// Creates the plane of the cluster behind this client.
    pub fn new(client: Client, settings: Settings) -> Self {
        Self { client, settings }
    }

    /// Sets the namespace's state label, which opens the namespace; called once every plane is
    /// open.
    pub async fn set_state(&self, tenant: &TenantKey, state: Phase) -> Result<(), Error> {
        self.patch(&objects::namespace_manifest(tenant, state))
            .await
    }

    async fn patch(&self, manifest: &Manifest) -> Result<(), Error> {
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let Manifest { object, fields, .. } = manifest;
        self.api(object)
            .patch(&object.name, &params, &Patch::Apply(fields))
            .await
            .map_err(api_server)?;
        Ok(())
    }

    /// Deletes the object; succeeds if the object no longer exists.
    async fn delete(&self, object: &ObjectRef) -> Result<(), Error> {
        match self
            .api(object)
            .delete(&object.name, &DeleteParams::default())
            .await
        {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            answer => answer.map(drop).map_err(api_server),
        }
    }

    /// Returns the object, if it exists. An object that can't be read because the operator's
    /// own binding is missing in the namespace counts as absent: it is applied after the
    /// binding.
    async fn get(&self, object: &ObjectRef) -> Result<Option<DynamicObject>, Error> {
        match self.api(object).get(&object.name).await {
            Ok(content) => Ok(Some(content)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(kube::Error::Api(status)) if status.code == 403 && object.namespace.is_some() => {
                Ok(None)
            }
            Err(error) => Err(api_server(error)),
        }
    }

    fn api(&self, object: &ObjectRef) -> Api<DynamicObject> {
        match &object.namespace {
            Some(namespace) => {
                Api::namespaced_with(self.client.clone(), namespace, &object.resource)
            }
            None => Api::all_with(self.client.clone(), &object.resource),
        }
    }

    async fn get_all(&self, tenant: &TenantKey) -> Result<Held, Error> {
        let objects = objects::object_refs(&self.settings, tenant).into_iter();
        let found = try_join_all(objects.map(|object| async move {
            let content = self.get(&object).await?;
            Ok::<_, Error>(content.map(|content| (object, content)))
        }));
        Ok(Held(found.await?.into_iter().flatten().collect()))
    }

    /// Lists every tenant's objects of this kind, in pages.
    async fn list_kind(
        &self,
        resource: ApiResource,
    ) -> Result<Vec<(ObjectRef, DynamicObject)>, Error> {
        let all: Api<DynamicObject> = Api::all_with(self.client.clone(), &resource);
        let mut params = ListParams::default()
            .labels(LABEL_TENANT_ID)
            .limit(PAGE_SIZE);
        let mut found = Vec::new();
        loop {
            let page = all.list(&params).await.map_err(api_server)?;
            found.extend(page.items.into_iter().map(|content| {
                let object = ObjectRef {
                    resource: resource.clone(),
                    namespace: content.metadata.namespace.clone(),
                    name: content.metadata.name.clone().unwrap_or_default(),
                };
                (object, content)
            }));
            match page.metadata.continue_.filter(|more| !more.is_empty()) {
                Some(more) => params = params.continue_token(&more),
                None => return Ok(found),
            }
        }
    }
}

#[async_trait]
impl Backend for Kubernetes {
    const NAME: &'static str = "kubernetes";
    const CONDITION: &'static str = condition::types::NAMESPACE_READY;

    type Held = Held;
    type Observed = Observed;
    type Step = Step;

    /// Gets one tenant's objects by name, which also finds objects of others with those
    /// names; lists many tenants' objects kind by kind.
    async fn list(&self, tenants: &[TenantKey]) -> Result<BTreeMap<TenantKey, Held>, Error> {
        if let [tenant] = tenants {
            return Ok([(tenant.clone(), self.get_all(tenant).await?)].into());
        }
        let object_refs = |tenant| objects::object_refs(&self.settings, tenant);
        let mut kinds: Vec<ApiResource> = Vec::new();
        for object in tenants.first().map(object_refs).unwrap_or_default() {
            if !kinds.contains(&object.resource) {
                kinds.push(object.resource);
            }
        }
        let listed = try_join_all(kinds.into_iter().map(|kind| self.list_kind(kind))).await?;
        let mut all: HashMap<ObjectRef, DynamicObject> = listed.into_iter().flatten().collect();
        let found = tenants.iter().map(|tenant| {
            let objects = object_refs(tenant).into_iter().filter_map(|object| {
                let content = all.remove(&object)?;
                Some((object, content))
            });
            (tenant.clone(), Held(objects.collect()))
        });
        Ok(found.collect())
    }

    async fn observe(&self, _: &TenantKey, _: &Desired, held: Held) -> Result<Observed, Error> {
        Ok(Observed {
            objects: held.0,
            at: Timestamp::now(),
        })
    }

    fn foreign_owner(
        &self,
        tenant: &TenantKey,
        _: &Desired,
        observed: &Observed,
    ) -> Option<String> {
        let namespace = observed.find(&objects::namespace_ref(tenant))?;
        let label = namespace
            .metadata
            .labels
            .as_ref()
            .and_then(|labels| labels.get(LABEL_TENANT_ID));
        let id = tenant.id.to_string();
        (label != Some(&id)).then(|| {
            format!(
                "namespace {} exists without the label {LABEL_TENANT_ID}={id}; delete the namespace, or add the label if it is this tenant's",
                tenant.id.namespace()
            )
        })
    }

    fn diff(&self, tenant: &TenantKey, desired: &Desired, observed: &Observed) -> Vec<Step> {
        diff(&self.settings, tenant, desired, observed)
    }

    fn effect(step: &Step) -> Effect {
        step.effect()
    }

    fn awaits(step: &Step) -> Option<Outcome> {
        match step {
            Step::AwaitQuota => Some(Outcome::pending(
                Reason::QuotaNotCounted,
                "ResourceQuota akili has no usage yet; waiting for the controller manager to count",
            )),
            Step::AwaitDeletion(object) => Some(Outcome::pending(
                Reason::Purging,
                format!(
                    "{} {} is being deleted; its content is deleted first",
                    object.resource.kind, object.name
                ),
            )),
            Step::Apply(_) | Step::Delete(_) | Step::Replace(_) => None,
        }
    }

    async fn apply(&self, _: &TenantKey, step: &Step) -> Result<(), Error> {
        match step {
            Step::Apply(manifest) => self.patch(manifest).await,
            Step::Delete(object) => self.delete(object).await,
            Step::Replace(manifest) => {
                self.delete(&manifest.object).await?;
                self.patch(manifest).await
            }
            // The driver doesn't apply what `awaits` names.
            Step::AwaitQuota | Step::AwaitDeletion(_) => Ok(()),
        }
    }
}
