//! The Secret that all replicas have the webhook's certificate from.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use kube::{Api, Client};

use super::certificate::Certificate;
use crate::config::Config;
use crate::error::{Error, Reason, api_server};

/// The Secret, and the Service that the certificate is for.
pub const NAME: &str = "akili-operator-webhook";

/// Who makes the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// The operator.
    Operator,
    /// cert-manager, from the chart's Certificate.
    CertManager,
}

/// The certificate's Secret in the operator's namespace.
#[derive(Clone)]
pub struct Store {
    secrets: Api<Secret>,
    namespace: String,
    maker: Maker,
}

impl Store {
    /// The Secret where this configuration says.
    pub fn new(client: Client, config: &Config) -> Self {
        Self {
            secrets: Api::namespaced(client, &config.namespace),
            namespace: config.namespace.clone(),
            maker: match config.webhook.cert_manager {
                true => Maker::CertManager,
                false => Maker::Operator,
            },
        }
    }

    /// Who makes the certificate.
    pub fn maker(&self) -> Maker {
        self.maker
    }

    /// The certificate; where there is none and it is the operator's to make, a new one.
    ///
    /// # Errors
    /// `NoCertificate` while cert-manager hasn't made it; the API server's.
    pub async fn obtain(&self) -> Result<Certificate, Error> {
        let found = self.secrets.get_opt(NAME).await.map_err(api_server)?;
        match (found, self.maker) {
            (Some(secret), _) => Certificate::read(&secret).ok_or_else(|| self.missing("is empty")),
            (None, Maker::CertManager) => Err(self.missing("isn't there yet")),
            (None, Maker::Operator) => self.create().await,
        }
    }

    /// All replicas may come here at the same time: the first one's counts.
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

    /// Another certificate after this one.
    ///
    /// # Errors
    /// None that could be mended.
    pub fn make(&self, before: Option<&Certificate>) -> Result<Certificate, Error> {
        let service = format!("{NAME}.{}.svc", self.namespace);
        Certificate::new(&service, before, Timestamp::now())
    }

    /// Puts this certificate in the place of what is there.
    ///
    /// # Errors
    /// `Conflict` where somebody else has changed it meanwhile; the API server's.
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
        let next = match self.maker {
            Maker::Operator => "the replica that leads makes another",
            Maker::CertManager => "see why cert-manager doesn't issue the Certificate of that name",
        };
        let message = format!("the Secret {NAME} in namespace {namespace} {what}: {next}");
        Error::new(Reason::NoCertificate, message)
    }
}
