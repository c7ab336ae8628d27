//! Health checks of the testbed's servers.

use anyhow::{Context, Result};
use kube::{Client, Config};
use tokio::net::TcpStream;

use super::{files, pki};

/// Succeeds if the server answers a GET with a success status. The server's certificate
/// must be signed by the testbed's CA.
pub async fn get(server: &str, path: &str) -> Result<()> {
    let authority = files::read(&pki::authority_certificate())?;
    let mut config = Config::new(server.parse()?);
    config.root_cert = Some(vec![certificate_bytes(&authority)?]);
    config.default_retry = false;
    let request = http::Request::get(path).body(Vec::new())?;
    Client::try_from(config)?
        .request_text(request)
        .await
        .with_context(|| format!("GET {server}{path}"))?;
    Ok(())
}

/// Succeeds if something listens on the address.
pub async fn listens(host: &str, port: u16) -> Result<()> {
    TcpStream::connect((host, port))
        .await
        .with_context(|| format!("nothing listens at {host}:{port}"))?;
    Ok(())
}

fn certificate_bytes(pem: &str) -> Result<Vec<u8>> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes())
        .context("the authority's certificate is no PEM")?;
    Ok(certificate.to_vec())
}
