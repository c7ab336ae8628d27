//! The Secrets in which tenants find their credentials, laid out as *Service
//! Binding for Kubernetes* prescribes.

use akili_crds::names::ANNOTATION_APPLIED;
use async_trait::async_trait;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::json;

use super::FIELD_MANAGER;
use crate::backend::TenantKey;
use crate::backend::postgres::credentials::{Credential, Credentials};
use crate::error::{Class, Error};
use crate::secret::Password;

const NAME: &str = "akili-postgres";

/// Where tenants find the platform's database.
#[derive(Clone, Debug)]
pub struct PostgresAddress {
    /// Name or address of the server.
    pub host: String,
    /// TCP port of the server.
    pub port: u16,
    /// The database.
    pub database: String,
    /// The certificate authority of the server, in PEM.
    pub ca: Option<String>,
}

/// The Secrets `akili-postgres`.
pub struct PostgresSecrets {
    client: Client,
    address: PostgresAddress,
}

impl PostgresSecrets {
    /// Secrets that lead to this address.
    pub fn new(client: Client, address: PostgresAddress) -> Self {
        Self { client, address }
    }

    fn api(&self, tenant: &TenantKey) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &tenant.id.namespace())
    }

    fn secret(&self, tenant: &TenantKey, password: &Password) -> Result<Secret, Error> {
        let PostgresAddress {
            host,
            port,
            database,
            ca,
        } = &self.address;
        let (role, word) = (tenant.id.postgres_role(), password.expose());
        let mut entries = json!({
            "type": "postgresql",
            "provider": "akili",
            "host": host,
            "port": port.to_string(),
            "database": database,
            "username": role,
            "password": word,
            // Generated passwords are letters and digits, and so are role names.
            "uri": format!("postgresql://{role}:{word}@{host}:{port}/{database}"),
        });
        if let Some(ca) = ca {
            entries["ca.crt"] = json!(ca);
        }
        serde_json::from_value(json!({
            "metadata": {"name": NAME},
            "type": "servicebinding.io/postgresql",
            "stringData": entries,
        }))
        .map_err(|_| unreadable(tenant))
    }
}

#[async_trait]
impl Credentials for PostgresSecrets {
    async fn read(&self, tenant: &TenantKey) -> Result<Option<Credential>, Error> {
        let secret = match self.api(tenant).get(NAME).await {
            Ok(secret) => secret,
            // Without the operator's own binding it can't be read, which the
            // Kubernetes plane mends; closing a tenant doesn't wait for that.
            Err(kube::Error::Api(status)) if matches!(status.code, 403 | 404) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let data = secret.data.unwrap_or_default();
        let bytes = data
            .get("password")
            .map(|bytes| bytes.0.clone())
            .unwrap_or_default();
        let password = String::from_utf8(bytes)
            .ok()
            .filter(|password| !password.is_empty());
        let mark = secret
            .metadata
            .annotations
            .and_then(|mut all| all.remove(ANNOTATION_APPLIED));
        Ok(Some(Credential {
            password: password.ok_or_else(|| unreadable(tenant))?.into(),
            mark,
        }))
    }

    async fn create(&self, tenant: &TenantKey, password: &Password) -> Result<(), Error> {
        let secret = self.secret(tenant, password)?;
        let params = PostParams {
            field_manager: Some(FIELD_MANAGER.into()),
            ..PostParams::default()
        };
        match self.api(tenant).create(&params, &secret).await {
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
            answer => answer.map(drop).map_err(Error::from),
        }
    }

    async fn mark(&self, tenant: &TenantKey, mark: &str) -> Result<(), Error> {
        let patch = json!({"metadata": {"annotations": {ANNOTATION_APPLIED: mark}}});
        self.api(tenant)
            .patch(NAME, &PatchParams::default(), &Patch::Merge(&patch))
            .await?;
        Ok(())
    }
}

fn unreadable(tenant: &TenantKey) -> Error {
    Error::new(
        Class::Invalid,
        "CredentialUnreadable",
        format!(
            "Secret {NAME} in namespace {} has no readable password: delete it, and it is made again",
            tenant.id.namespace()
        ),
    )
}
