//! A stand-in for StarRocks, which isn't available as a package.
//!
//! The stand-in speaks MySQL's protocol, parses the statements that the platform sends,
//! keeps the objects that they create, and rejects what StarRocks' documentation says is
//! rejected. README.md beside this file says what is checked and what isn't.

mod connection;
mod error;
mod execute;
mod grammar;
mod packets;
mod privileges;
mod sessions;
mod state;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use anyhow::{Context, Result};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use connection::Cluster;
use sessions::Sessions;
use state::Store;

/// The release of StarRocks whose documentation it follows, marked as a stand-in.
const VERSION: &str = "3.5.0-stand-in";
/// The release of MySQL that StarRocks declares compatibility with.
const MYSQL_VERSION: &str = "8.0.33";
/// Shown to clients that ask what they are connected to.
const COMMENT: &str = "StarRocks stand-in of the Akili testbed, not StarRocks";

/// Configuration of the stand-in.
pub struct Configuration {
    /// Listen address.
    pub address: SocketAddr,
    /// Server certificate, a PEM file.
    pub certificate: PathBuf,
    /// Private key, a PEM file.
    pub key: PathBuf,
    /// File of the state, which outlives the process.
    pub state: PathBuf,
    /// Password of `root`, used when the state file is created.
    pub root_password: String,
}

/// Serves until the process ends.
pub async fn serve(configuration: Configuration) -> Result<()> {
    let certificates = CertificateDer::pem_file_iter(&configuration.certificate)
        .context("can't read the certificate")?
        .collect::<Result<Vec<_>, _>>()
        .context("the certificate is no PEM")?;
    let key = PrivateKeyDer::from_pem_file(&configuration.key).context("can't read the key")?;
    let tls = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .context("the certificate can't be used")?;
    let store = Store::open(configuration.state, &configuration.root_password)?;
    let cluster = Arc::new(Cluster {
        store: Mutex::new(store),
        sessions: Sessions::default(),
        tls: TlsAcceptor::from(Arc::new(tls)),
    });

    let listener = TcpListener::bind(configuration.address).await;
    let listener =
        listener.with_context(|| format!("can't listen on {}", configuration.address))?;
    for id in 1.. {
        let (stream, peer) = listener.accept().await?;
        // Answers are small, so Nagle's algorithm would only delay them.
        stream.set_nodelay(true)?;
        let cluster = Arc::clone(&cluster);
        tokio::spawn(async move {
            if let Err(error) = cluster.serve(id, stream, peer).await {
                eprintln!("connection {id} of {peer}: {error:#}");
            }
        });
    }
    Ok(())
}
