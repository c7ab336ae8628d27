//! Connection data of the object store.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::configuration::directory;
use crate::{
    files,
    layout::{NODE_ADDRESS, OBJECT_STORE_PORT},
    pki, secret,
};

/// User of the operator: manages users and owns the bucket.
pub const ADMIN: &str = "akili-operator";

/// The object store's address and the operator's keys.
#[derive(Clone, Debug)]
pub struct ObjectStoreHandle {
    /// URL of S3 (path style) and of the admin API.
    pub endpoint: String,
    /// CA certificate of the server.
    pub ca_path: PathBuf,
    pub access_key: String,
    pub secret_key: String,
}

impl ObjectStoreHandle {
    /// Returns the handle; creates the keys at the first call.
    pub(crate) fn load() -> Result<Self> {
        let file = directory().join("admin.keys");
        if !file.exists() {
            files::write_secret(
                &file,
                format!("{} {}", secret::random()?, secret::random()?),
            )?;
        }
        let keys = files::read(&file)?;
        let (access_key, secret_key) = keys
            .split_once(' ')
            .with_context(|| format!("{} doesn't hold two keys", file.display()))?;
        Ok(Self {
            endpoint: Self::url(),
            ca_path: pki::authority_certificate(),
            access_key: access_key.to_owned(),
            secret_key: secret_key.to_owned(),
        })
    }

    pub(super) fn url() -> String {
        format!("https://{NODE_ADDRESS}:{OBJECT_STORE_PORT}")
    }
}
