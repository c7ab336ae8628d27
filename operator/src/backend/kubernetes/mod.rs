//! The Kubernetes plane: a namespace and what makes it the tenant's.

pub mod credentials;
mod diff;
#[cfg(test)]
pub mod fake;
mod objects;

use std::collections::BTreeMap;

use akili_crds::names::LABEL_TENANT_ID;
use akili_crds::{Phase, TenantQuotaSpec, condition};
use async_trait::async_trait;
use futures::future::try_join_all;
use jiff::Timestamp;
use kube::Client;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use kube::core::DynamicObject;
use schemars::JsonSchema;
use serde::Deserialize;

pub use diff::Step;
use objects::{Place, Rule, Wanted};

use super::{Backend, Desired, Effect, TenantKey};
use crate::error::{Class, Error};

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

    async fn observe_one(&self, tenant: &TenantKey) -> Result<Observed, Error> {
        let anything = Desired::ReadOnly(TenantQuotaSpec::default());
        let places = objects::rules(&self.settings, tenant, &anything)
            .into_iter()
            .map(|rule| match rule {
                Rule::Present(wanted) => wanted.place,
                Rule::Absent(place) => place,
            });
        let found = try_join_all(places.map(|place| async move {
            let object = self.get(&place).await?;
            Ok::<_, Error>(object.map(|object| (place, object)))
        }));
        Ok(Observed {
            objects: found.await?.into_iter().flatten().collect(),
            at: Timestamp::now(),
        })
    }
}

#[async_trait]
impl Backend for Kubernetes {
    type Observed = Observed;
    type Step = Step;

    fn name(&self) -> &'static str {
        "kubernetes"
    }

    fn condition(&self) -> &'static str {
        condition::types::NAMESPACE_READY
    }

    async fn observe(&self, tenants: &[TenantKey]) -> Result<BTreeMap<TenantKey, Observed>, Error> {
        let all = tenants.iter().map(|tenant| async move {
            Ok::<_, Error>((tenant.clone(), self.observe_one(tenant).await?))
        });
        Ok(try_join_all(all).await?.into_iter().collect())
    }

    fn foreign_owner(&self, tenant: &TenantKey, observed: &Observed) -> Option<String> {
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
        }
    }
}
