//! How clients get in.

use std::path::PathBuf;

use anyhow::Result;

use super::configuration::directory;
use crate::{
    files,
    layout::{KAFKA_INTERNAL_PORT, KAFKA_PORT, NODE_ADDRESS},
    pki, secret,
};

/// The user that the operator works as: every ACL lets it pass.
pub const OPERATOR: &str = "akili-operator";

/// Where clients find Kafka, and the operator's own login: SASL_SSL, SCRAM-SHA-256.
#[derive(Clone, Debug)]
pub struct KafkaHandle {
    /// The first broker to ask, host and port.
    pub bootstrap_servers: String,
    /// The same for who needs no login, on this machine only.
    pub internal_servers: String,
    /// The certificate that the server's is verified with.
    pub ca_path: PathBuf,
    /// The operator's user.
    pub user: &'static str,
    /// Its password.
    pub password: String,
}

impl KafkaHandle {
    /// The handle; the password is made when it is first asked for.
    pub(crate) fn load() -> Result<Self> {
        let file = directory().join("operator.password");
        if !file.exists() {
            files::write_secret(&file, secret::random()?)?;
        }
        Ok(Self {
            bootstrap_servers: format!("{NODE_ADDRESS}:{KAFKA_PORT}"),
            internal_servers: format!("127.0.0.1:{KAFKA_INTERNAL_PORT}"),
            ca_path: pki::authority_certificate(),
            user: OPERATOR,
            password: files::read(&file)?,
        })
    }
}
