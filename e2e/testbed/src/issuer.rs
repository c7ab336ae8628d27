//! An OpenID Connect issuer in place of a company's identity provider.
//!
//! The issuer serves its discovery document and its public key. There is no login: tests
//! create their tokens with [`mint`].

use std::{net::SocketAddr, time::SystemTime};

use anyhow::{Context, Result, anyhow};
use async_trait::async_trait;
use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use axum_server::tls_rustls::RustlsConfig;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use rcgen::KeyPair;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use serde_json::{Value, json};

use super::{
    component::Component,
    files, health, layout,
    pki::{self, Subject},
    process::Daemon,
};

pub const AUDIENCE: &str = "akili";

const DISCOVERY: &str = "/.well-known/openid-configuration";
const KEY: &str = "issuer-tokens";
const KEY_ID: &str = "testbed";
const LIFETIME_SECONDS: u64 = 60 * 60;

/// The issuer as a component: this program, started with `serve-issuer`.
pub struct Issuer;

#[async_trait]
impl Component for Issuer {
    fn name(&self) -> &'static str {
        "issuer"
    }

    async fn prepare(&self) -> Result<Daemon> {
        pki::signing_key(KEY)?;
        // A copy, because the next build replaces the original.
        let program = layout::state("issuer/testbed");
        files::create_directory(&layout::state("issuer"))?;
        std::fs::copy(std::env::current_exe()?, &program).context("can't copy this program")?;
        Ok(Daemon::new(program).arg("serve-issuer"))
    }

    async fn ready(&self) -> Result<()> {
        health::get(&url(), DISCOVERY).await
    }
}

/// Returns the issuer's URL, which is the claim `iss` of its tokens.
pub fn url() -> String {
    format!("https://{}:{}", layout::NODE_ADDRESS, layout::ISSUER_PORT)
}

/// Returns a signed token with these claims. `iss`, `aud`, `iat` and `exp` (in an hour)
/// are added unless they are given.
pub fn mint(claims: Value) -> Result<String> {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)?
        .as_secs();
    let mut payload =
        json!({ "iss": url(), "aud": AUDIENCE, "iat": now, "exp": now + LIFETIME_SECONDS });
    if let (Value::Object(payload), Value::Object(claims)) = (&mut payload, claims) {
        payload.extend(claims);
    }
    let header = json!({ "alg": "ES256", "typ": "JWT", "kid": KEY_ID });
    let [header, payload] =
        [header, payload].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = format!("{header}.{payload}");

    let random = SystemRandom::new();
    let key = EcdsaKeyPair::from_pkcs8(
        &ECDSA_P256_SHA256_FIXED_SIGNING,
        key()?.serialized_der(),
        &random,
    )
    .map_err(|error| anyhow!("the issuer's key is unusable: {error}"))?;
    let signature = key
        .sign(&random, signed.as_bytes())
        .map_err(|_| anyhow!("can't sign the token"))?;
    Ok(format!(
        "{signed}.{}",
        BASE64_URL_SAFE_NO_PAD.encode(signature)
    ))
}

/// Serves the documents until the process ends.
pub async fn serve() -> Result<()> {
    let names = [layout::NODE_ADDRESS];
    let served = pki::issue(
        "issuer",
        &Subject {
            common_name: "issuer",
            organization: None,
            names: &names,
        },
    )?;
    let tls = RustlsConfig::from_pem_file(served.certificate, served.key).await?;
    let (discovery, keys) = (discovery().to_string(), keys()?.to_string());
    let documents = Router::new()
        .route(
            DISCOVERY,
            get(async || ([(CONTENT_TYPE, "application/json")], discovery)),
        )
        .route(
            "/keys",
            get(async || ([(CONTENT_TYPE, "application/jwk-set+json")], keys)),
        );
    let address: SocketAddr =
        format!("{}:{}", layout::NODE_ADDRESS, layout::ISSUER_PORT).parse()?;
    axum_server::bind_rustls(address, tls)
        .serve(documents.into_make_service())
        .await?;
    Ok(())
}

fn discovery() -> Value {
    json!({
        "issuer": url(),
        "jwks_uri": format!("{}/keys", url()),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    })
}

fn keys() -> Result<Value> {
    let key = key()?;
    // An uncompressed point: the byte 4, then x, then y.
    let (x, y) = key.public_key_raw()[1..].split_at(32);
    let [x, y] = [x, y].map(|coordinate| BASE64_URL_SAFE_NO_PAD.encode(coordinate));
    Ok(json!({
        "keys": [{ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": KEY_ID, "x": x, "y": y }]
    }))
}

fn key() -> Result<KeyPair> {
    let (private, _) = pki::signing_key(KEY)?;
    KeyPair::from_pem(&files::read(&private)?).context("the issuer's key is unusable")
}
