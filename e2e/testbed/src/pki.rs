//! The testbed's certificate authority, and its certificates and keys.

use std::path::PathBuf;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};

use super::{files, layout};

/// The subject of a certificate.
pub struct Subject<'a> {
    /// User name in Kubernetes.
    pub common_name: &'a str,
    /// Group in Kubernetes.
    pub organization: Option<&'a str>,
    /// DNS names and addresses of a server.
    pub names: &'a [&'a str],
}

/// A certificate and its private key, as PEM files.
pub struct CertificateFiles {
    pub certificate: PathBuf,
    /// Readable by its owner only.
    pub key: PathBuf,
}

/// Returns the path of the CA certificate.
pub fn authority_certificate() -> PathBuf {
    layout::state("pki/ca.crt")
}

/// Creates the certificate authority unless it exists.
pub fn create_authority() -> Result<()> {
    if authority_certificate().exists() {
        return Ok(());
    }
    let key = KeyPair::generate()?;
    let certificate = authority_parameters().self_signed(&key)?;
    files::write_secret(&authority_key(), key.serialize_pem())?;
    files::write(&authority_certificate(), certificate.pem())
}

/// Returns a certificate for servers and clients; creates it unless one was issued under
/// this name before.
pub fn issue(name: &str, subject: &Subject<'_>) -> Result<CertificateFiles> {
    let issued = CertificateFiles {
        certificate: layout::state(format!("pki/{name}.crt")),
        key: layout::state(format!("pki/{name}.key")),
    };
    // The certificate is written last, so its presence implies the key's.
    if issued.certificate.exists() {
        return Ok(issued);
    }
    let names: Vec<_> = subject
        .names
        .iter()
        .map(|name| (*name).to_owned())
        .collect();
    let mut parameters = CertificateParams::new(names)?;
    parameters.distinguished_name = DistinguishedName::new();
    parameters
        .distinguished_name
        .push(DnType::CommonName, subject.common_name);
    if let Some(organization) = subject.organization {
        parameters
            .distinguished_name
            .push(DnType::OrganizationName, organization);
    }
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];

    let key = KeyPair::generate()?;
    let authority = Issuer::new(
        authority_parameters(),
        KeyPair::from_pem(&files::read(&authority_key())?)?,
    );
    let certificate = parameters
        .signed_by(&key, &authority)
        .with_context(|| format!("can't certify {name}"))?;
    files::write_secret(&issued.key, key.serialize_pem())?;
    files::write(&issued.certificate, certificate.pem())?;
    Ok(issued)
}

/// Returns the PEM files (private, public) of a key pair for signing tokens; creates it
/// unless it exists.
pub fn signing_key(name: &str) -> Result<(PathBuf, PathBuf)> {
    let private = layout::state(format!("pki/{name}.key"));
    let public = layout::state(format!("pki/{name}.pub"));
    if !public.exists() {
        let key = KeyPair::generate()?;
        files::write_secret(&private, key.serialize_pem())?;
        files::write(&public, key.public_key_pem())?;
    }
    Ok((private, public))
}

fn authority_key() -> PathBuf {
    layout::state("pki/ca.key")
}

fn authority_parameters() -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters
        .distinguished_name
        .push(DnType::CommonName, "Akili testbed");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    parameters
}
