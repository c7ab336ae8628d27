//! Kubeconfigs of components, administrators and token holders.

use std::path::{Path, PathBuf};

use anyhow::Result;
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::{
    files, layout,
    pki::{self, Subject},
};

/// Writes the kubeconfig of a component or administrator with a certificate of the
/// testbed's CA, and returns its path.
pub fn write_kubeconfig(name: &str, user: &str, group: Option<&str>) -> Result<PathBuf> {
    let issued = pki::issue(
        name,
        &Subject {
            common_name: user,
            organization: group,
            names: &[],
        },
    )?;
    let credential = json!({
        "client-certificate-data": BASE64_STANDARD.encode(files::read(&issued.certificate)?),
        "client-key-data": BASE64_STANDARD.encode(files::read(&issued.key)?),
    });
    let path = layout::state(format!("{name}.kubeconfig"));
    write(&path, credential)?;
    Ok(path)
}

pub fn write_token_kubeconfig(path: &Path, token: &str) -> Result<()> {
    write(path, json!({ "token": token }))
}

fn write(path: &Path, credential: Value) -> Result<()> {
    let authority = files::read(&pki::authority_certificate())?;
    let cluster = json!({
        "server": layout::api_server_url(),
        "certificate-authority-data": BASE64_STANDARD.encode(authority),
    });
    let kubeconfig = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "testbed", "cluster": cluster }],
        "users": [{ "name": "testbed", "user": credential }],
        "contexts": [{ "name": "testbed", "context": { "cluster": "testbed", "user": "testbed" } }],
        "current-context": "testbed",
    });
    files::write_secret(path, format!("{kubeconfig:#}\n"))
}
