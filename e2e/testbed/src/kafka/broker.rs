//! The one Kafka process, broker and controller.

use std::fs;

use anyhow::{Result, ensure};
use async_trait::async_trait;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    access::KafkaHandle,
    configuration::{self, OPERATOR, data},
};
use crate::{
    component::Component,
    files, health,
    layout::{KAFKA_INTERNAL_PORT, KAFKA_PORT, NODE_ADDRESS},
    process::Daemon,
    setup_command::{command, run},
    tools::tool,
};

const JAVA: &str = "/usr/bin/java";

/// The cluster's id, 16 bytes in Base64; fixed, because there is one testbed per machine.
const CLUSTER: &str = "YWtpbGkgdGVzdGJlZCAhIQ";

/// Kafka as a component.
pub struct Kafka;

#[async_trait]
impl Component for Kafka {
    fn name(&self) -> &'static str {
        "kafka"
    }

    async fn prepare(&self) -> Result<Daemon> {
        create_if_missing().await?;
        Ok(Daemon::new(JAVA)
            .arg("-Xmx512m")
            .arg("-Dlog4j2.level=WARN")
            .arg("-cp")
            .arg(class_path())
            .arg("kafka.Kafka")
            .arg(configuration::write("server.properties", &data())?))
    }

    async fn ready(&self) -> Result<()> {
        health::listens(NODE_ADDRESS, KAFKA_PORT).await?;
        request_api_versions().await
    }
}

/// Returns Java's class path of all jars.
fn class_path() -> String {
    format!("{}/*", tool("kafka").display())
}

async fn create_if_missing() -> Result<()> {
    if data().exists() {
        return Ok(());
    }
    let unfinished = data().with_added_extension("unfinished");
    files::remove_directory(&unfinished)?;
    let operator = KafkaHandle::load()?;
    // The tool accepts the password only on its command line.
    let login = format!(
        "SCRAM-SHA-256=[name={OPERATOR},password={}]",
        operator.password
    );
    run(command(JAVA)
        .args(["-cp", &class_path(), "kafka.tools.StorageTool", "format"])
        .args(["--standalone", "--cluster-id", CLUSTER])
        .args(["--add-scram", &login])
        .arg("--config")
        .arg(configuration::write("format.properties", &unfinished)?))
    .await?;
    Ok(fs::rename(unfinished, data())?)
}

/// Sends `ApiVersions`, the first request of every client. The broker answers none before
/// its controller has registered it.
async fn request_api_versions() -> Result<()> {
    // The length of the rest, the request's kind and version, a correlation id, and no
    // client id.
    const REQUEST: &[u8] = b"\0\0\0\x0a\0\x12\0\0akil\xff\xff";
    let mut connection = TcpStream::connect(("127.0.0.1", KAFKA_INTERNAL_PORT)).await?;
    connection.write_all(REQUEST).await?;
    // The length, the correlation id, and the error code.
    let mut answer = [0; 10];
    connection.read_exact(&mut answer).await?;
    ensure!(
        answer[4..] == *b"akil\0\0",
        "unexpected answer to ApiVersions: {answer:?}"
    );
    Ok(())
}
