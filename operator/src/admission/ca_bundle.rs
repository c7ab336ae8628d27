//! The `caBundle` that API servers verify the webhook with, and the certificate's renewal. Runs on
//! the leader.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::certificate::Certificate;
use super::certificate_store::{Issuer, Store};
use crate::config::Config;
use crate::error::{Error, Reason, api_server};

/// The chart's MutatingWebhookConfiguration.
const CONFIGURATION: &str = "akili-admission";
/// The name of the webhook in it.
const WEBHOOK: &str = "admission.akili.io";

/// How long an API server may take to load a changed `caBundle`.
const BUNDLE_DELAY: Duration = Duration::from_secs(5);

/// Renews the certificate in time and keeps `caBundle` equal to its authorities, until `stop`. Does
/// nothing if cert-manager issues the certificate: it does both.
pub async fn keep(client: Client, config: &Config, stop: CancellationToken) {
    let store = Store::new(client.clone(), config);
    if store.issuer() == Issuer::CertManager {
        return;
    }
    let ca_bundle = CaBundle::new(client, store);
    let work = async {
        loop {
            if let Err(error) = ca_bundle.reconcile().await {
                tracing::warn!(%error, "failed to reconcile the webhook's certificate");
            }
            tokio::time::sleep(config.audit_interval).await;
        }
    };
    stop.run_until_cancelled(work).await;
}

/// Reconciles the certificate and the `caBundle`.
pub(super) struct CaBundle {
    configurations: Api<MutatingWebhookConfiguration>,
    store: Store,
}

impl CaBundle {
    pub(super) fn new(client: Client, store: Store) -> Self {
        Self {
            configurations: Api::all(client),
            store,
        }
    }

    pub(super) async fn reconcile(&self) -> Result<(), Error> {
        let served = self.store.obtain().await;
        match served {
            Ok(served) if !served.is_due(Timestamp::now()) => self.publish(&served).await,
            Ok(served) => self.renew(Some(&served)).await,
            // The Secret was emptied.
            Err(error) if error.reason == Reason::NoCertificate => self.renew(None).await,
            Err(error) => Err(error),
        }
    }

    /// Publishes the new authority before anything that it signed is served.
    async fn renew(&self, served: Option<&Certificate>) -> Result<(), Error> {
        let new = self.store.make(served)?;
        self.publish(&new).await?;
        tokio::time::sleep(BUNDLE_DELAY).await;
        self.store.replace(&new).await?;
        tracing::info!("renewed the certificate of the webhook");
        Ok(())
    }

    async fn publish(&self, certificate: &Certificate) -> Result<(), Error> {
        let wanted = ByteString(certificate.authorities.clone().into_bytes());
        let configuration = self
            .configurations
            .get(CONFIGURATION)
            .await
            .map_err(api_server)?;
        let webhooks = configuration.webhooks.unwrap_or_default();
        let ours = webhooks.iter().find(|webhook| webhook.name == WEBHOOK);
        if ours.is_some_and(|ours| ours.client_config.ca_bundle.as_ref() == Some(&wanted)) {
            return Ok(());
        }
        let bundle = json!({"name": WEBHOOK, "clientConfig": {"caBundle": wanted}});
        let patch = Patch::Strategic(json!({"webhooks": [bundle]}));
        let options = PatchParams::default();
        self.configurations
            .patch(CONFIGURATION, &options, &patch)
            .await
            .map_err(api_server)?;
        tracing::info!("updated caBundle of akili-admission");
        Ok(())
    }
}
