//! The admission webhook: every replica tells the API server what of tenants' requests is
//! let in. The rules are those of [`akili_crds::admission`]; here is what they need: the
//! question as it comes, the facts, and a server whose certificate renews itself.

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
use review::{Review, Verdict};

/// The API server takes objects of up to three MiB; a question has two of them.
const LARGEST: usize = 8 << 20;

/// The webhook of this replica.
pub struct Webhook {
    client: Client,
    listener: TcpListener,
    store: Store,
    counts: ObjectCounts,
    metrics: Metrics,
}

impl Webhook {
    /// A webhook that listens already, and isn't served yet.
    ///
    /// # Errors
    /// Its address isn't free.
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

    /// Answers until `stop`, and then as long as somebody may still ask. `readiness` hears
    /// when it can: with a certificate, and once everything was counted.
    ///
    /// # Errors
    /// The system refuses the listener; the replica is stopped then.
    pub async fn serve(self, readiness: Readiness, stop: CancellationToken) -> anyhow::Result<()> {
        let (source, follow_namespaces) = Source::new(self.client.clone(), self.counts.clone());
        let source = Arc::new(source);
        let begun = CancellationToken::new();
        let routes = routes(source.clone(), self.metrics);
        let tell = async {
            tokio::join!(source.filled(), begun.cancelled());
            readiness.answers(true);
            stop.cancelled().await;
            readiness.answers(false);
        };
        let follow = async {
            tokio::join!(self.counts.keep(self.client), follow_namespaces, tell);
        };
        let served = tokio::select! {
            served = server::serve(self.listener, routes, &self.store, || begun.cancel(), &stop) => served,
            () = follow => Ok(()),
        };
        stop.cancel();
        served
    }
}

/// `/admit`, which the chart's MutatingWebhookConfiguration names.
fn routes(source: Arc<Source>, metrics: Metrics) -> Router {
    Router::new()
        .route("/admit", post(admit))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state((source, metrics))
}

async fn admit(State((source, metrics)): State<(Arc<Source>, Metrics)>, body: Bytes) -> Response {
    let asked = match serde_json::from_slice::<Review>(&body) {
        Ok(review) => review.request,
        // The API server lets nothing in without an answer.
        Err(error) => {
            let why = format!("this is no AdmissionReview of a product or a connection: {error}\n");
            return (StatusCode::BAD_REQUEST, why).into_response();
        }
    };
    let request = asked.request();
    let verdict = source.judge(&request).await;
    if let Verdict::Undecided(why) = &verdict {
        tracing::warn!(
            namespace = request.namespace,
            "a request can't be decided: {why}"
        );
    }
    metrics.judged(request.kind.word(), verdict.as_str());
    let answer = asked.answer(&verdict).to_string();
    ([(CONTENT_TYPE, "application/json")], answer).into_response()
}
