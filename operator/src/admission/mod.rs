//! The admission webhook: every replica admits or rejects tenants' requests by the rules of
//! [`akili_crds::admission`].
//!
//! | module | what it does |
//! | --- | --- |
//! | [`review`] | reads the question and builds the answer; pure |
//! | [`facts`] | gathers the facts that the rules need, and decides |
//! | [`mod@server`] | serves TLS, and reloads the certificate |
//! | [`certificate`] | the certificate and its renewal date; no I/O |
//! | [`certificate_store`] | the Secret that holds it for all replicas |
//! | [`ca_bundle`] | renews it, and keeps `caBundle` equal to its authorities; on the leader |

pub mod ca_bundle;
mod certificate;
pub mod certificate_store;
mod facts;
mod review;
mod server;
#[cfg(test)]
mod tests;

use std::net::TcpListener;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use kube::Client;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::health::Readiness;
use crate::metrics::Metrics;
use crate::object_counts::ObjectCounts;
use certificate_store::Store;
use facts::Source;
use review::{Question, Verdict};

/// The API server accepts objects of up to three MiB; a question contains two of them.
const MAX_BODY: usize = 8 << 20;

/// The webhook of this replica.
pub struct Webhook {
    client: Client,
    listener: TcpListener,
    store: Store,
    counts: ObjectCounts,
    metrics: Metrics,
}

impl Webhook {
    /// Creates a webhook that listens already and isn't served yet.
    ///
    /// # Errors
    /// The address is in use.
    pub fn new(
        client: Client,
        config: &Config,
        counts: ObjectCounts,
        metrics: Metrics,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            listener: server::listen(&config.webhook.address)?,
            store: Store::new(client.clone(), config),
            client,
            counts,
            metrics,
        })
    }

    /// Answers until `stop`, and then for as long as API servers may still ask. Sets `readiness`
    /// once there is a certificate and everything was counted.
    ///
    /// # Errors
    /// The system refuses the listener. `stop` is cancelled then.
    pub async fn serve(self, readiness: Readiness, stop: CancellationToken) -> anyhow::Result<()> {
        let (source, follow_namespaces) = Source::new(self.client.clone(), self.counts.clone());
        let source = Arc::new(source);
        let serving = CancellationToken::new();
        let routes = routes(source.clone(), self.metrics);
        let report = async {
            tokio::join!(source.filled(), serving.cancelled());
            readiness.answers(true);
            stop.cancelled().await;
            readiness.answers(false);
        };
        let follow = async {
            tokio::join!(self.counts.keep(self.client), follow_namespaces, report);
        };
        let served = tokio::select! {
            served = server::serve(self.listener, routes, &self.store, || serving.cancel(), &stop) => served,
            () = follow => Ok(()),
        };
        stop.cancel();
        served
    }
}

/// Routes `/admit`, the path in the chart's MutatingWebhookConfiguration.
fn routes(source: Arc<Source>, metrics: Metrics) -> Router {
    Router::new()
        .route("/admit", post(admit))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state((source, metrics))
}

async fn admit(State((source, metrics)): State<(Arc<Source>, Metrics)>, body: Bytes) -> Response {
    let question = match Question::read(&body) {
        Ok(question) => question,
        // The API server rejects the request then.
        Err(error) => {
            let why = format!("this is no AdmissionReview of a product or a connection: {error}\n");
            return (StatusCode::BAD_REQUEST, why).into_response();
        }
    };
    let request = question.request();
    let verdict = source.judge(&request).await;
    if let Verdict::Undecided(why) = &verdict {
        tracing::warn!(
            namespace = request.namespace,
            "failed to decide a request: {why}"
        );
    }
    metrics.judged(request.kind.word(), verdict.as_str());
    match serde_json::to_vec(&question.answer(&verdict)) {
        Ok(answer) => ([(CONTENT_TYPE, "application/json")], answer).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
