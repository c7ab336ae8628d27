//! Signed requests that the S3 client doesn't support: the gateway's admin API, its subset
//! of IAM, and answers that differ from those of S3.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::http::Request;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use form_urlencoded::Serializer;
use serde_json::Value;

use super::error::GatewayError;
use super::service_binding::ConnectionInfo;

/// Names and values of a query or a form.
pub type Pairs<'a> = &'a [(&'a str, &'a str)];

/// Creates an HTTPS connector that trusts this certificate authority; without one, the
/// public authorities.
pub fn https(ca: Option<&str>) -> anyhow::Result<SharedHttpConnector> {
    let trusted = match ca {
        Some(ca) => TrustStore::empty().with_pem_certificate(ca),
        None => TrustStore::default(),
    };
    let context = TlsContext::builder().with_trust_store(trusted).build()?;
    let connector = Connector::builder()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .build();
    Ok(SharedHttpConnector::new(connector))
}

/// Client that signs its requests.
#[derive(Clone)]
pub struct Signer {
    connector: SharedHttpConnector,
    endpoint: String,
    region: String,
    credentials: Credentials,
}

impl Signer {
    /// Creates a client of the gateway that signs with these keys.
    pub fn new(
        connector: SharedHttpConnector,
        gateway: &ConnectionInfo,
        keys: Credentials,
    ) -> Self {
        Self {
            connector,
            endpoint: gateway.endpoint.trim_end_matches('/').to_owned(),
            region: gateway.region.clone(),
            credentials: keys,
        }
    }

    /// Sends a request without a body and returns the answer's body.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        query: Pairs<'_>,
    ) -> Result<Vec<u8>, GatewayError> {
        let uri = format!("{path}?{}", encode(query));
        self.exchange(method, &uri, "", String::new()).await
    }

    /// Puts a JSON document and returns the answer's body.
    pub async fn put(
        &self,
        path: &str,
        query: Pairs<'_>,
        document: &Value,
    ) -> Result<Vec<u8>, GatewayError> {
        let uri = format!("{path}?{}", encode(query));
        self.exchange("PUT", &uri, "application/json", document.to_string())
            .await
    }

    /// Posts a form to `/`, which is the IAM API, and returns the answer's body.
    pub async fn post(&self, form: Pairs<'_>) -> Result<Vec<u8>, GatewayError> {
        let type_ = "application/x-www-form-urlencoded";
        self.exchange("POST", "/", type_, encode(form)).await
    }

    async fn exchange(
        &self,
        method: &str,
        path: &str,
        content_type: &'static str,
        body: String,
    ) -> Result<Vec<u8>, GatewayError> {
        let request = self.sign(method, path, content_type, body);
        let request = request.map_err(|error| GatewayError::no_answer(error.as_ref()))?;
        let answer = self.connector.call(request).await;
        let answer = answer.map_err(|error| GatewayError::no_answer(&error))?;
        let status = answer.status();
        let body = ByteStream::new(answer.into_body()).collect().await;
        let body = body
            .map_err(|error| GatewayError::no_answer(&error))?
            .to_vec();
        if status.is_success() {
            Ok(body)
        } else {
            Err(GatewayError::rejected(status.as_u16(), &body))
        }
    }

    fn sign(
        &self,
        method: &str,
        path: &str,
        content_type: &'static str,
        body: String,
    ) -> Result<Request<SdkBody>, Box<dyn std::error::Error + Send + Sync>> {
        let uri = format!("{}{path}", self.endpoint);
        let mut settings = SigningSettings::default();
        // S3 signs paths as they are sent.
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        let identity = self.credentials.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("s3")
            .time(SystemTime::now())
            .settings(settings)
            .build()?
            .into();
        let signable = SignableRequest::new(
            method,
            &uri,
            std::iter::empty(),
            SignableBody::Bytes(body.as_bytes()),
        )?;
        let (signed, _) = sign(signable, &params)?.into_parts();
        let mut request = Request::new(SdkBody::from(body));
        request.set_method(method)?;
        request.set_uri(uri)?;
        for (name, value) in signed.headers() {
            request
                .headers_mut()
                .try_insert(name.to_owned(), value.to_owned())?;
        }
        if !content_type.is_empty() {
            request.headers_mut().insert("content-type", content_type);
        }
        Ok(request)
    }
}

fn encode(pairs: Pairs<'_>) -> String {
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}
