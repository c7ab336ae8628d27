//! The Secrets that hold tenants' credentials, with the layout of *Service Binding for
//! Kubernetes*.

use std::collections::BTreeMap;

use akili_crds::names::ANNOTATION_APPLIED;
use async_trait::async_trait;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::json;

use super::FIELD_MANAGER;
use crate::backend::TenantKey;
use crate::backend::credentials::{Credential, Credentials, ServiceBinding};
use crate::error::{Error, Reason, api_server};
use crate::password::{self, Password};

/// Secrets with the credentials for one backend.
pub struct Secrets<B> {
    client: Client,
    binding: B,
}

impl<B: ServiceBinding> Secrets<B> {
    /// Creates Secrets with the layout of `binding`.
    pub fn new(client: Client, binding: B) -> Self {
        Self { client, binding }
    }

    fn api(&self, tenant: &TenantKey) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &tenant.id.namespace())
    }

    /// Returns every entry of the Secret.
    fn entries(&self, tenant: &TenantKey, password: &Password) -> BTreeMap<String, String> {
        let common = [("type", self.binding.type_()), ("provider", "akili")];
        let common = common.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let others = self.binding.entries(tenant, password).0.into_iter();
        let others = others.map(|(name, value)| (name.to_owned(), value));
        common.into_iter().chain(others).collect()
    }

    async fn create(&self, tenant: &TenantKey) -> Result<(), Error> {
        let secret = Secret {
            metadata: ObjectMeta {
                name: Some(self.binding.secret().to_owned()),
                ..ObjectMeta::default()
            },
            type_: Some(format!("servicebinding.io/{}", self.binding.type_())),
            string_data: Some(self.entries(tenant, &password::random())),
            ..Secret::default()
        };
        let params = PostParams {
            field_manager: Some(FIELD_MANAGER.into()),
            ..PostParams::default()
        };
        match self.api(tenant).create(&params, &secret).await {
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
            answer => answer.map(drop).map_err(api_server),
        }
    }

    async fn merge(&self, tenant: &TenantKey, patch: serde_json::Value) -> Result<(), Error> {
        self.api(tenant)
            .patch(
                self.binding.secret(),
                &PatchParams::default(),
                &Patch::Merge(&patch),
            )
            .await
            .map_err(api_server)?;
        Ok(())
    }

    fn parse(&self, tenant: &TenantKey, secret: Secret) -> Result<Credential, Error> {
        let data = secret.data.unwrap_or_default();
        let text = |name: &str| String::from_utf8(data.get(name)?.0.clone()).ok();
        let password = text(self.binding.secret_entry()).filter(|text| !text.is_empty());
        let password = Password::from(password.ok_or_else(|| self.unreadable(tenant))?);
        let desired = self.entries(tenant, &password);
        let current = desired
            .iter()
            .all(|(name, value)| text(name).as_ref() == Some(value));
        let mark = secret
            .metadata
            .annotations
            .and_then(|mut all| all.remove(ANNOTATION_APPLIED));
        Ok(Credential {
            password,
            current,
            mark,
        })
    }

    fn unreadable(&self, tenant: &TenantKey) -> Error {
        Error::new(
            Reason::CredentialUnreadable,
            format!(
                "Secret {} in namespace {} has no readable entry {}; delete the Secret and the operator creates it again",
                self.binding.secret(),
                tenant.id.namespace(),
                self.binding.secret_entry()
            ),
        )
    }
}

#[async_trait]
impl<B: ServiceBinding> Credentials for Secrets<B> {
    async fn read(&self, tenant: &TenantKey) -> Result<Option<Credential>, Error> {
        match self.api(tenant).get(self.binding.secret()).await {
            Ok(secret) => self.parse(tenant, secret).map(Some),
            // Without the operator's own binding the Secret can't be read. The Kubernetes
            // plane repairs the binding; closing a tenant doesn't wait for that.
            Err(kube::Error::Api(status)) if matches!(status.code, 403 | 404) => Ok(None),
            Err(error) => Err(api_server(error)),
        }
    }

    async fn write(&self, tenant: &TenantKey) -> Result<(), Error> {
        match self.read(tenant).await? {
            None => self.create(tenant).await,
            Some(existing) => {
                let entries = self.entries(tenant, &existing.password);
                self.merge(tenant, json!({"stringData": entries})).await
            }
        }
    }

    async fn mark(&self, tenant: &TenantKey, mark: &str) -> Result<(), Error> {
        let annotations = json!({ANNOTATION_APPLIED: mark});
        self.merge(tenant, json!({"metadata": {"annotations": annotations}}))
            .await
    }
}
