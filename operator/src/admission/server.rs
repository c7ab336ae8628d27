//! The TLS server that API servers ask: from a replica's start until its end.

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

/// How soon a certificate that isn't there yet is looked for again.
const RETRY: Duration = Duration::from_secs(1);
/// How often a replica looks whether another certificate is to be served.
const RELOAD: Duration = Duration::from_secs(10);
/// How long a replica that was told to stop is still asked: until everybody has heard
/// that it isn't ready any more.
const STILL_ASKED: Duration = Duration::from_secs(3);
/// How long an answer may take that is on its way then.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// Listens at this address, such as `0.0.0.0:9443`.
///
/// # Errors
/// The address isn't free.
pub fn listen(address: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).with_context(|| {
        format!("webhook.address {address} can't be listened on: choose another that is free")
    })
}

/// Serves with the certificate that the store has, whichever it has at the time; until
/// `stop`, and then as long as somebody may still ask. `serving` is called once it begins.
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
        std::future::ready(last(answer, &ending))
    }));
    let server = from_tcp_rustls(listener, config.clone())?
        .handle(handle.clone())
        .serve(routes.into_make_service());
    serving();
    let end = async {
        stop.run_until_cancelled(reload(store, served, &config))
            .await;
        tokio::time::sleep(STILL_ASKED).await;
        handle.graceful_shutdown(Some(LAST_ANSWERS));
    };
    let (served, ()) = tokio::join!(server, end);
    Ok(served?)
}

/// A connection on which nothing more will be answered is closed by the answer itself: one
/// that is closed while a question is under way loses it.
fn last(mut answer: Response<Body>, ending: &CancellationToken) -> Response<Body> {
    if ending.is_cancelled() {
        let headers = answer.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// The first certificate, as soon as there is one.
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
            Err(error) => tracing::warn!("no certificate to serve the webhook with: {error:#}"),
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Serves whichever certificate the store has: for ever.
async fn reload(store: &Store, mut served: Certificate, config: &RustlsConfig) {
    loop {
        tokio::time::sleep(RELOAD).await;
        let renewed = async {
            let found = store.obtain().await?;
            // What else the Secret says isn't served.
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
                tracing::info!("the webhook is served with another certificate");
                served = found;
            }
            Err(error) => tracing::warn!("the webhook's certificate stays as it is: {error:#}"),
        }
    }
}

fn pem(certificate: &Certificate) -> (Vec<u8>, Vec<u8>) {
    let key = certificate.key.expose().as_bytes();
    (certificate.chain.clone().into_bytes(), key.to_vec())
}
