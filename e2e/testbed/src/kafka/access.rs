//! Connection data of Kafka.

use std::path::PathBuf;

use anyhow::Result;

use super::configuration::{OPERATOR, directory};
use crate::{
    files,
    layout::{KAFKA_INTERNAL_PORT, KAFKA_PORT, NODE_ADDRESS},
    pki, secret,
};

/// Kafka's address and the operator's login (SASL_SSL, SCRAM-SHA-256).
#[derive(Clone, Debug)]
pub struct KafkaHandle {
    /// Bootstrap broker, host and port.
    pub bootstrap_servers: String,
    /// Bootstrap broker without login, reachable on this machine only.
    pub internal_servers: String,
    /// CA certificate of the server.
    pub ca_path: PathBuf,
    pub user: &'static str,
    pub password: String,
}

impl KafkaHandle {
    /// Returns the handle; creates the password at the first call.
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
