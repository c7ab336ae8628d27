//! The TLS server of the webhook, which runs for as long as the replica does.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::Context as _;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Response};
use axum::{Router, body::Body, middleware};
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsConfig, from_tcp_rustls};
use tokio_util::sync::CancellationToken;

use super::certificate::Certificate;
use super::certificate_store::Store;

/// How often a missing certificate is looked up.
const RETRY: Duration = Duration::from_secs(1);
/// How often the certificate is reloaded from the Secret.
const RELOAD: Duration = Duration::from_secs(10);
/// How long API servers may still send requests to a replica that is shutting down: until its
/// readiness has reached all of them.
const DRAIN: Duration = Duration::from_secs(3);
/// How long answers in flight may take after that.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// Listens on this address, such as `0.0.0.0:9443`.
///
/// # Errors
/// The address is in use.
pub fn listen(address: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).with_context(|| {
        format!("webhook.address {address} can't be listened on: choose another that is free")
    })
}

/// Serves with the store's current certificate until `stop`, and then for [`DRAIN`]. Calls
/// `serving` when it begins.
///
/// # Errors
/// The system refuses the listener.
pub async fn serve(
    listener: TcpListener,
    routes: Router,
    store: &Store,
    serving: impl FnOnce(),
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let Some((served, config)) = stop.run_until_cancelled(first(store)).await else {
        return Ok(());
    };
    let handle = Handle::<SocketAddr>::new();
    let ending = stop.clone();
    let routes = routes.layer(middleware::map_response(move |answer| {
        std::future::ready(close_when_ending(answer, &ending))
    }));
    let server = from_tcp_rustls(listener, config.clone())?
        .handle(handle.clone())
        .serve(routes.into_make_service());
    serving();
    let end = async {
        stop.run_until_cancelled(reload(store, served, &config))
            .await;
        tokio::time::sleep(DRAIN).await;
        handle.graceful_shutdown(Some(LAST_ANSWERS));
    };
    let (served, ()) = tokio::join!(server, end);
    Ok(served?)
}

/// Lets the last answer close its connection while the replica shuts down: a connection that the
/// server closes could lose a question that is on its way.
fn close_when_ending(mut answer: Response<Body>, ending: &CancellationToken) -> Response<Body> {
    if ending.is_cancelled() {
        let headers = answer.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// Waits for the first certificate.
async fn first(store: &Store) -> (Certificate, RustlsConfig) {
    loop {
        let found = async {
            let found = store.obtain().await?;
            let (chain, key) = pem(&found);
            let config = RustlsConfig::from_pem(chain, key).await?;
            anyhow::Ok((found, config))
        };
        match found.await {
            Ok(found) => return found,
            Err(error) => {
                tracing::warn!("failed to load the certificate of the webhook: {error:#}")
            }
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Reloads the certificate whenever the store's changes. Never returns.
async fn reload(store: &Store, mut served: Certificate, config: &RustlsConfig) {
    loop {
        tokio::time::sleep(RELOAD).await;
        let renewed = async {
            let found = store.obtain().await?;
            // Other entries of the Secret aren't served.
            if (&found.chain, &found.key) == (&served.chain, &served.key) {
                return anyhow::Ok(None);
            }
            let (chain, key) = pem(&found);
            config.reload_from_pem(chain, key).await?;
            Ok(Some(found))
        };
        match renewed.await {
            Ok(None) => {}
            Ok(Some(found)) => {
                tracing::info!("reloaded the certificate of the webhook");
                served = found;
            }
            Err(error) => {
                tracing::warn!("failed to reload the certificate of the webhook: {error:#}")
            }
        }
    }
}

fn pem(certificate: &Certificate) -> (Vec<u8>, Vec<u8>) {
    let key = certificate.key.expose().as_bytes();
    (certificate.chain.clone().into_bytes(), key.to_vec())
}
