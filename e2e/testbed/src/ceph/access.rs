//! How clients get in.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::configuration::directory;
use crate::{
    files,
    layout::{NODE_ADDRESS, OBJECT_STORE_PORT},
    pki, secret,
};

/// The user that the operator works as: it may manage users, and owns the bucket.
pub const ADMIN: &str = "akili-operator";

/// Where clients find the object store, and the operator's own key.
#[derive(Clone, Debug)]
pub struct ObjectStoreHandle {
    /// The URL of S3 and of the admin API, path style.
    pub endpoint: String,
    /// The certificate that the server's is verified with.
    pub ca_path: PathBuf,
    /// The access key of the operator's user.
    pub access_key: String,
    /// Its secret key.
    pub secret_key: String,
}

impl ObjectStoreHandle {
    /// The handle; its keys are made when they are first asked for.
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

    /// The URL of the object store.
    pub(super) fn url() -> String {
        format!("https://{NODE_ADDRESS}:{OBJECT_STORE_PORT}")
    }
}
