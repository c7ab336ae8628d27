//! Generation of passwords and keys.

use anyhow::{Context, Result};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::rand::{SecureRandom, SystemRandom};

/// Returns a new password of 32 characters that need no escaping in a URL.
pub fn random() -> Result<String> {
    let mut bytes = [0; 24];
    SystemRandom::new()
        .fill(&mut bytes)
        .ok()
        .context("no random numbers")?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}
