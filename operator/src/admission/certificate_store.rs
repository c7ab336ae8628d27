//! The Secret that holds the webhook's certificate for all replicas.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use kube::{Api, Client};
use rcgen::KeyPair;

use super::certificate::{Certificate, Keys, cannot_create};
use crate::config::Config;
use crate::error::{Error, Reason, api_server};

/// The name of the Secret, and of the Service that the certificate is for.
pub const NAME: &str = "akili-operator-webhook";

/// Who issues the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issuer {
    Operator,
    /// cert-manager, from the chart's Certificate.
    CertManager,
}

/// The Secret in the operator's namespace.
#[derive(Clone)]
pub struct Store {
    secrets: Api<Secret>,
    namespace: String,
    issuer: Issuer,
}

impl Store {
    /// Creates the store that this configuration names.
    pub fn new(client: Client, config: &Config) -> Self {
        Self {
            secrets: Api::namespaced(client, &config.namespace),
            namespace: config.namespace.clone(),
            issuer: match config.webhook.cert_manager {
                true => Issuer::CertManager,
                false => Issuer::Operator,
            },
        }
    }

    pub fn issuer(&self) -> Issuer {
        self.issuer
    }

    /// Returns the certificate. Creates one if there is none and the operator issues it.
    ///
    /// # Errors
    /// `NoCertificate` while cert-manager hasn't issued one; the API server's.
    pub async fn obtain(&self) -> Result<Certificate, Error> {
        let found = self.secrets.get_opt(NAME).await.map_err(api_server)?;
        match (found, self.issuer) {
            (Some(secret), _) => Certificate::read(&secret).ok_or_else(|| self.missing("is empty")),
            (None, Issuer::CertManager) => Err(self.missing("isn't there yet")),
            (None, Issuer::Operator) => self.create().await,
        }
    }

    /// Several replicas may create the Secret at the same time: the first one wins.
    async fn create(&self) -> Result<Certificate, Error> {
        let made = self.make(None)?;
        let mut secret = Secret::default();
        secret.metadata.name = Some(NAME.into());
        made.write(&mut secret);
        match self.secrets.create(&PostParams::default(), &secret).await {
            Ok(_) => Ok(made),
            Err(kube::Error::Api(status)) if status.code == 409 => {
                let theirs = Certificate::read(&self.secrets.get(NAME).await.map_err(api_server)?);
                theirs.ok_or_else(|| self.missing("is empty"))
            }
            Err(error) => Err(api_server(error)),
        }
    }

    /// Creates a certificate that follows `before`; the Secret isn't changed.
    ///
    /// # Errors
    /// Only if key generation or signing fails.
    pub fn make(&self, before: Option<&Certificate>) -> Result<Certificate, Error> {
        let service = format!("{NAME}.{}.svc", self.namespace);
        let generate = || KeyPair::generate().map_err(|error| cannot_create(&service, &error));
        let keys = Keys {
            authority: generate()?,
            server: generate()?,
        };
        Certificate::new(&service, before, keys, Timestamp::now())
    }

    /// Replaces the certificate in the Secret.
    ///
    /// # Errors
    /// `Conflict` if another client changed the Secret meanwhile; the API server's.
    pub async fn replace(&self, with: &Certificate) -> Result<(), Error> {
        let mut secret = self.secrets.get(NAME).await.map_err(api_server)?;
        with.write(&mut secret);
        let options = PostParams::default();
        self.secrets
            .replace(NAME, &options, &secret)
            .await
            .map_err(api_server)?;
        Ok(())
    }

    fn missing(&self, what: &str) -> Error {
        let namespace = &self.namespace;
        let next = match self.issuer {
            Issuer::Operator => "the leader creates another",
            Issuer::CertManager => {
                "see why cert-manager doesn't issue the Certificate of that name"
            }
        };
        let message = format!("the Secret {NAME} in namespace {namespace} {what}: {next}");
        Error::new(Reason::NoCertificate, message)
    }
}
