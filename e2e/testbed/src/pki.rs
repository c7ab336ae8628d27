//! The testbed's certificate authority and what it certifies.

use std::path::PathBuf;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};

use super::{files, layout};

/// Whom a certificate is for.
pub struct Subject<'a> {
    /// To Kubernetes, the user's name.
    pub common_name: &'a str,
    /// To Kubernetes, the user's group.
    pub organization: Option<&'a str>,
    /// The DNS names and addresses that a server is called by.
    pub names: &'a [&'a str],
}

/// A certificate and its private key, as PEM files.
pub struct CertificateFiles {
    /// The certificate.
    pub certificate: PathBuf,
    /// The private key, readable by its owner only.
    pub key: PathBuf,
}

/// The certificate that all others are verified with.
pub fn authority_certificate() -> PathBuf {
    layout::state("pki/ca.crt")
}

/// Creates the authority, unless there is one.
pub fn create_authority() -> Result<()> {
    if authority_certificate().exists() {
        return Ok(());
    }
    let key = KeyPair::generate()?;
    let certificate = authority_parameters().self_signed(&key)?;
    files::write_secret(&authority_key(), key.serialize_pem())?;
    files::write(&authority_certificate(), certificate.pem())
}

/// A certificate for a server, a client, or both; the one issued before under
/// this name, if there is one.
pub fn issue(name: &str, subject: &Subject<'_>) -> Result<CertificateFiles> {
    let issued = CertificateFiles {
        certificate: layout::state(format!("pki/{name}.crt")),
        key: layout::state(format!("pki/{name}.key")),
    };
    // The certificate is written last, so with it the key is there too.
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

/// A key pair to sign tokens with: the private key, and the public one as PEM files.
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
