//! The webhook's certificate: its content and its renewal date. No I/O: keys and time are passed in.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};

use crate::error::{Error, Reason};
use crate::password::Password;

/// How long a certificate is valid.
const DAYS: i64 = 90;
/// The age at which a certificate is renewed. A month is left then to fix what prevents that.
const RENEWED_AFTER: Duration = Duration::from_secs(60 * 24 * 3600);
/// Annotation of the Secret: when the certificate is renewed.
const RENEW_AFTER: &str = "akili.io/renew-after";

/// A certificate with its key and authorities, in PEM. The entries are named as in a Secret of the
/// type `kubernetes.io/tls`, as cert-manager writes it too.
#[derive(Clone, Debug, PartialEq)]
pub struct Certificate {
    /// `ca.crt`: the authorities to verify the certificate with, the newest first.
    pub authorities: String,
    /// `tls.crt`: the certificate chain.
    pub chain: String,
    /// `tls.key`: the private key.
    pub key: Password,
    /// When to renew the certificate; none if the operator didn't create it.
    pub renew_after: Option<Timestamp>,
}

impl Certificate {
    /// Creates a certificate for a server of this DNS name, signed by an authority of its own. The
    /// authority's key isn't kept, so nothing else can be signed with it. The authority of
    /// `before`, the certificate served so far, stays trusted for replicas that serve it a little
    /// longer.
    ///
    /// # Errors
    /// Only if signing fails.
    pub fn new(
        name: &str,
        before: Option<&Self>,
        keys: Keys,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let key = Password::from(keys.server.serialize_pem());
        let (authority, chain) =
            sign(name, keys, now).map_err(|error| cannot_create(name, &error))?;
        let newest_before = before.map(|it| first(&it.authorities)).unwrap_or_default();
        Ok(Self {
            authorities: authority + newest_before,
            chain,
            key,
            renew_after: now.checked_add(RENEWED_AFTER).ok(),
        })
    }

    /// Returns whether the certificate must be renewed.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.authorities.is_empty() || self.renew_after.is_none_or(|after| after <= now)
    }

    /// Reads a certificate from a Secret; none if the Secret holds none.
    pub fn read(secret: &Secret) -> Option<Self> {
        let entry = |name: &str| {
            let bytes = &secret.data.as_ref()?.get(name)?.0;
            String::from_utf8(bytes.clone()).ok()
        };
        let renew_after = secret.annotations().get(RENEW_AFTER);
        Some(Self {
            // cert-manager omits it for a publicly trusted authority.
            authorities: entry("ca.crt").unwrap_or_default(),
            chain: entry("tls.crt")?,
            key: Password::from(entry("tls.key")?),
            renew_after: renew_after.and_then(|after| after.parse().ok()),
        })
    }

    /// Writes the certificate into a Secret.
    pub fn write(&self, secret: &mut Secret) {
        secret.type_ = Some("kubernetes.io/tls".into());
        let entry = |text: &str| ByteString(text.as_bytes().to_vec());
        secret.data = Some(BTreeMap::from([
            ("ca.crt".into(), entry(&self.authorities)),
            ("tls.crt".into(), entry(&self.chain)),
            ("tls.key".into(), entry(self.key.expose())),
        ]));
        if let Some(after) = self.renew_after {
            let annotations = secret.annotations_mut();
            annotations.insert(RENEW_AFTER.into(), after.to_string());
        }
    }
}

/// The key pairs of a certificate and of the authority that signs it.
pub struct Keys {
    pub authority: KeyPair,
    pub server: KeyPair,
}

/// Creates the error of a certificate that can't be created.
pub fn cannot_create(name: &str, error: &rcgen::Error) -> Error {
    let message = format!("failed to create a certificate for {name}: {error}");
    Error::new(Reason::CertificateNotGenerated, message)
}

/// Returns the authority's certificate, and the server's that it signed.
fn sign(name: &str, keys: Keys, now: Timestamp) -> Result<(String, String), rcgen::Error> {
    // Valid from yesterday: clocks differ.
    let today = now.to_zoned(TimeZone::UTC).date();
    let day = |date: Date| {
        let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
        date_time_ymd(date.year().into(), month, day)
    };
    let from = day(today.saturating_sub(1.day()));
    let to = day(today.saturating_add(DAYS.days()));
    let parameters = |names: Vec<String>| {
        let mut parameters = CertificateParams::new(names)?;
        parameters.not_before = from;
        parameters.not_after = to;
        parameters.distinguished_name = DistinguishedName::new();
        Ok::<_, rcgen::Error>(parameters)
    };
    let mut authority = parameters(vec![])?;
    authority
        .distinguished_name
        .push(DnType::CommonName, "akili-operator-webhook authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_certificate = authority.self_signed(&keys.authority)?;

    let mut server = parameters(vec![name.to_owned()])?;
    server
        .distinguished_name
        .push(DnType::CommonName, "akili-operator-webhook");
    server.use_authority_key_identifier_extension = true;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let issuer = Issuer::new(authority, keys.authority);
    let certificate = server.signed_by(&keys.server, &issuer)?;
    Ok((authority_certificate.pem(), certificate.pem()))
}

/// Returns the first of several certificates in PEM.
fn first(authorities: &str) -> &str {
    const END: &str = "-----END CERTIFICATE-----\n";
    let end = authorities.find(END).map(|at| at + END.len());
    end.and_then(|end| authorities.get(..end))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "akili-operator-webhook.akili-system.svc";

    fn keys() -> Keys {
        Keys {
            authority: KeyPair::generate().unwrap(),
            server: KeyPair::generate().unwrap(),
        }
    }

    fn now() -> Timestamp {
        "2026-03-16T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn certificate_survives_writing_and_reading_a_secret() {
        let made = Certificate::new(NAME, None, keys(), now()).unwrap();
        let mut secret = Secret::default();
        made.write(&mut secret);
        assert_eq!(Certificate::read(&secret), Some(made.clone()));
        assert_eq!(Certificate::read(&Secret::default()), None);
        let shown = format!("{made:?}");
        assert!(!shown.contains("PRIVATE KEY"), "{shown}");
    }

    #[test]
    fn certificate_is_renewed_early_and_trusts_its_predecessor() {
        let day = |days: i64| now() + Duration::from_secs(u64::try_from(days * 86400).unwrap());
        let one = Certificate::new(NAME, None, keys(), now()).unwrap();
        assert!(!one.is_due(day(59)));
        assert!(one.is_due(day(60)));
        let of_another = Certificate {
            renew_after: None,
            ..one.clone()
        };
        assert!(of_another.is_due(now()), "not created by the operator");

        let two = Certificate::new(NAME, Some(&one), keys(), day(60)).unwrap();
        let three = Certificate::new(NAME, Some(&two), keys(), day(120)).unwrap();
        let trusts = |newer: &Certificate, older: &Certificate| {
            newer.authorities.contains(first(&older.authorities))
        };
        assert!(trusts(&two, &two) && trusts(&two, &one));
        assert!(trusts(&three, &three) && trusts(&three, &two) && !trusts(&three, &one));
    }
}
