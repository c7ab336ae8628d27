//! The certificate that the webhook is served with: what it is made of. Pure.

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

/// How long a certificate is good for.
const DAYS: i64 = 90;
/// When it is renewed: a month is left then for whatever may be in the way.
const RENEWED_AFTER: Duration = Duration::from_secs(60 * 24 * 3600);
/// Annotation of the Secret: when it is renewed.
const RENEW_AFTER: &str = "akili.io/renew-after";

/// A certificate and what goes with it, in PEM, under the names of a Secret of the type
/// `kubernetes.io/tls`: as cert-manager has it too.
#[derive(Clone, Debug, PartialEq)]
pub struct Certificate {
    /// `ca.crt`: the authorities to verify it with, the newest first.
    pub authorities: String,
    /// `tls.crt`: the certificate.
    pub chain: String,
    /// `tls.key`: its key.
    pub key: Password,
    /// When it is to be renewed; unknown of one that the operator didn't make.
    pub renew_after: Option<Timestamp>,
}

impl Certificate {
    /// A new one for a server of this DNS name, by an authority of its own, whose key
    /// nobody keeps: nothing else can be signed with it. `before` is what was served so
    /// far: its authority stays one of those to verify with, for replicas that serve it
    /// a little longer.
    ///
    /// # Errors
    /// None that could be mended.
    pub fn new(name: &str, before: Option<&Self>, now: Timestamp) -> Result<Self, Error> {
        let (authority, chain, key) = make(name, now).map_err(|error| {
            let message = format!("no certificate can be made for {name}: {error}");
            Error::new(Reason::CertificateNotGenerated, message)
        })?;
        let newest_before = before.map(|it| first(&it.authorities)).unwrap_or_default();
        Ok(Self {
            authorities: authority + newest_before,
            chain,
            key: Password::from(key),
            renew_after: now.checked_add(RENEWED_AFTER).ok(),
        })
    }

    /// Whether it is time for another.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.authorities.is_empty() || self.renew_after.is_none_or(|after| after <= now)
    }

    /// What this Secret holds; nothing where it holds no certificate.
    pub fn read(secret: &Secret) -> Option<Self> {
        let entry = |name: &str| {
            let bytes = &secret.data.as_ref()?.get(name)?.0;
            String::from_utf8(bytes.clone()).ok()
        };
        let renew_after = secret.annotations().get(RENEW_AFTER);
        Some(Self {
            // cert-manager leaves it out where everybody knows the authority.
            authorities: entry("ca.crt").unwrap_or_default(),
            chain: entry("tls.crt")?,
            key: Password::from(entry("tls.key")?),
            renew_after: renew_after.and_then(|after| after.parse().ok()),
        })
    }

    /// Puts it into this Secret.
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

/// The authority, the certificate that it signed, and that one's key.
fn make(name: &str, now: Timestamp) -> Result<(String, String, String), rcgen::Error> {
    // Clocks differ.
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
    let authority_key = KeyPair::generate()?;
    let authority_certificate = authority.self_signed(&authority_key)?;

    let mut server = parameters(vec![name.to_owned()])?;
    server
        .distinguished_name
        .push(DnType::CommonName, "akili-operator-webhook");
    server.use_authority_key_identifier_extension = true;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = server.signed_by(&key, &Issuer::new(authority, authority_key))?;
    Ok((
        authority_certificate.pem(),
        certificate.pem(),
        key.serialize_pem(),
    ))
}

/// The first of several certificates in PEM.
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

    fn now() -> Timestamp {
        "2026-03-16T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn it_goes_through_a_secret_and_comes_back_the_same() {
        let made = Certificate::new(NAME, None, now()).unwrap();
        let mut secret = Secret::default();
        made.write(&mut secret);
        assert_eq!(Certificate::read(&secret), Some(made.clone()));
        assert_eq!(Certificate::read(&Secret::default()), None);
        let shown = format!("{made:?}");
        assert!(!shown.contains("PRIVATE KEY"), "{shown}");
    }

    #[test]
    fn it_is_renewed_a_month_before_its_end_and_its_authority_stays_until_the_next() {
        let day = |days: i64| now() + Duration::from_secs(u64::try_from(days * 86400).unwrap());
        let one = Certificate::new(NAME, None, now()).unwrap();
        assert!(!one.is_due(day(59)));
        assert!(one.is_due(day(60)));
        let of_another = Certificate {
            renew_after: None,
            ..one.clone()
        };
        assert!(of_another.is_due(now()), "not one of the operator's");

        let two = Certificate::new(NAME, Some(&one), day(60)).unwrap();
        let three = Certificate::new(NAME, Some(&two), day(120)).unwrap();
        let trusts = |newer: &Certificate, older: &Certificate| {
            newer.authorities.contains(first(&older.authorities))
        };
        assert!(trusts(&two, &two) && trusts(&two, &one));
        assert!(trusts(&three, &three) && trusts(&three, &two) && !trusts(&three, &one));
    }
}
