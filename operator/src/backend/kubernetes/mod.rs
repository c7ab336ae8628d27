//! The Kubernetes plane: a namespace and what makes it the tenant's.

pub mod credentials;
mod diff;
#[cfg(test)]
pub mod fake;
mod objects;

use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};

use akili_crds::names::LABEL_TENANT_ID;
use akili_crds::{Phase, condition};
use async_trait::async_trait;
use futures::future::try_join_all;
use jiff::Timestamp;
use kube::Client;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject};
use schemars::JsonSchema;
use serde::Deserialize;

pub use diff::Step;
use objects::{Place, Wanted};

use super::{Backend, Desired, Effect, TenantKey};
use crate::error::{Class, Error, PURGING};

/// The field manager of everything that the operator applies.
pub const FIELD_MANAGER: &str = "akili-operator";

/// What the platform says about its tenants' namespaces.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of the operator's own ServiceAccount.
    pub service_account: String,
    /// The operator's own namespace.
    pub namespace: String,
    /// Where tenants' pods may connect to.
    pub egress: Vec<Egress>,
}

/// A range of addresses that tenants' pods may connect to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Egress {
    /// The range, such as 10.1.0.0/16.
    pub cidr: String,
    /// TCP ports.
    pub ports: Vec<u16>,
}

/// How many objects the API server is asked for at a time.
const PAGE: u32 = 500;

/// The tenant's objects that were found, by place.
#[derive(Clone, Debug)]
pub struct Found(Vec<(Place, DynamicObject)>);

/// Only what somebody wrote is looked at, not what the cluster makes of it.
impl Hash for Found {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for (place, object) in &self.0 {
            place.hash(state);
            object.metadata.labels.hash(state);
            let mut fields = object.data.clone();
            fields["status"].take();
            fields.to_string().hash(state);
        }
    }
}

/// The tenant's objects that were found, and when.
#[derive(Clone, Debug)]
pub struct Observed {
    /// What was found, by place.
    pub objects: Vec<(Place, DynamicObject)>,
    /// When the look was taken.
    pub at: Timestamp,
}

/// The Kubernetes plane.
pub struct Kubernetes {
    client: Client,
    settings: Settings,
}

impl Kubernetes {
    /// The plane behind this client.
    pub fn new(client: Client, settings: Settings) -> Self {
        Self { client, settings }
    }

    /// Opens the namespace: sets its state label, once every plane is as open.
    pub async fn set_state(&self, tenant: &TenantKey, state: Phase) -> Result<(), Error> {
        self.patch(&objects::namespace_in(tenant, state)).await
    }

    async fn patch(&self, wanted: &Wanted) -> Result<(), Error> {
        let params = PatchParams::apply(FIELD_MANAGER).force();
        self.api(&wanted.place)
            .patch(&wanted.place.name, &params, &Patch::Apply(&wanted.fields))
            .await?;
        Ok(())
    }

    /// Removes the object, and says nothing where it is gone already.
    async fn delete(&self, place: &Place) -> Result<(), Error> {
        match self
            .api(place)
            .delete(&place.name, &DeleteParams::default())
            .await
        {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            answer => answer.map(drop).map_err(Error::from),
        }
    }

    /// The object, if it is there. What can't be read for want of the operator's own
    /// binding in the namespace counts as absent: it is applied after the binding.
    async fn get(&self, place: &Place) -> Result<Option<DynamicObject>, Error> {
        match self.api(place).get(&place.name).await {
            Ok(object) => Ok(Some(object)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(kube::Error::Api(status)) if status.code == 403 && place.namespace.is_some() => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn api(&self, place: &Place) -> Api<DynamicObject> {
        match &place.namespace {
            Some(namespace) => {
                Api::namespaced_with(self.client.clone(), namespace, &place.resource)
            }
            None => Api::all_with(self.client.clone(), &place.resource),
        }
    }

    async fn get_all(&self, tenant: &TenantKey) -> Result<Found, Error> {
        let places = objects::places(&self.settings, tenant).into_iter();
        let found = try_join_all(places.map(|place| async move {
            let object = self.get(&place).await?;
            Ok::<_, Error>(object.map(|object| (place, object)))
        }));
        Ok(Found(found.await?.into_iter().flatten().collect()))
    }

    /// Every tenant's objects of this kind, in pages.
    async fn list_marked(
        &self,
        resource: ApiResource,
    ) -> Result<Vec<(Place, DynamicObject)>, Error> {
        let all: Api<DynamicObject> = Api::all_with(self.client.clone(), &resource);
        let mut params = ListParams::default().labels(LABEL_TENANT_ID).limit(PAGE);
        let mut found = Vec::new();
        loop {
            let page = all.list(&params).await?;
            found.extend(page.items.into_iter().map(|object| {
                let place = Place {
                    resource: resource.clone(),
                    namespace: object.metadata.namespace.clone(),
                    name: object.metadata.name.clone().unwrap_or_default(),
                };
                (place, object)
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
    type Held = Found;
    type Observed = Observed;
    type Step = Step;

    fn name(&self) -> &'static str {
        "kubernetes"
    }

    fn condition(&self) -> &'static str {
        condition::types::NAMESPACE_READY
    }

    /// One tenant's by name, which shows others' objects in its places, too; many
    /// tenants' kind by kind.
    async fn list(&self, tenants: &[TenantKey]) -> Result<BTreeMap<TenantKey, Found>, Error> {
        if let [tenant] = tenants {
            return Ok([(tenant.clone(), self.get_all(tenant).await?)].into());
        }
        let places = |tenant| objects::places(&self.settings, tenant);
        let mut kinds: Vec<ApiResource> = Vec::new();
        for place in tenants.first().map(places).unwrap_or_default() {
            if !kinds.contains(&place.resource) {
                kinds.push(place.resource);
            }
        }
        let listed = try_join_all(kinds.into_iter().map(|kind| self.list_marked(kind))).await?;
        let mut all: HashMap<Place, DynamicObject> = listed.into_iter().flatten().collect();
        let found = tenants.iter().map(|tenant| {
            let objects = places(tenant).into_iter().filter_map(|place| {
                let object = all.remove(&place)?;
                Some((place, object))
            });
            (tenant.clone(), Found(objects.collect()))
        });
        Ok(found.collect())
    }

    async fn observe(&self, _: &TenantKey, _: &Desired, found: Found) -> Result<Observed, Error> {
        Ok(Observed {
            objects: found.0,
            at: Timestamp::now(),
        })
    }

    fn foreign_owner(
        &self,
        tenant: &TenantKey,
        _: &Desired,
        observed: &Observed,
    ) -> Option<String> {
        let namespace = observed.find(&objects::namespace_place(tenant))?;
        let mark = namespace
            .metadata
            .labels
            .as_ref()
            .and_then(|labels| labels.get(LABEL_TENANT_ID));
        let id = tenant.id.to_string();
        (mark != Some(&id)).then(|| {
            format!(
                "namespace {} exists without the label {LABEL_TENANT_ID}={id}: remove it, or label it if it is this tenant's",
                tenant.id.namespace()
            )
        })
    }

    fn diff(&self, tenant: &TenantKey, desired: &Desired, observed: &Observed) -> Vec<Step> {
        diff::diff(&self.settings, tenant, desired, observed)
    }

    fn effect(step: &Step) -> Effect {
        step.effect()
    }

    async fn apply(&self, _: &TenantKey, step: &Step) -> Result<(), Error> {
        match step {
            Step::Apply(wanted) => self.patch(wanted).await,
            Step::Delete(place) => self.delete(place).await,
            Step::Replace(wanted) => {
                self.delete(&wanted.place).await?;
                self.patch(wanted).await
            }
            Step::AwaitQuota => Err(Error::new(
                Class::Pending,
                "QuotaNotCounted",
                "the ResourceQuota akili has no counts yet; the controller manager will add them",
            )),
            Step::AwaitEnd(place) => Err(Error::new(
                Class::Pending,
                PURGING,
                format!(
                    "{} {} is ending; what is in it goes first",
                    place.resource.kind, place.name
                ),
            )),
        }
    }
}
