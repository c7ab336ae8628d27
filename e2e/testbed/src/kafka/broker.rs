//! The one process, broker and controller.

use std::fs;

use anyhow::{Result, ensure};
use async_trait::async_trait;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    access::{KafkaHandle, OPERATOR},
    configuration::{self, data},
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

/// The cluster's id, 16 bytes in Base64; there is one testbed a machine.
const CLUSTER: &str = "YWtpbGkgdGVzdGJlZCAhIQ";

/// Kafka as a component.
pub struct Kafka;

#[async_trait]
impl Component for Kafka {
    fn name(&self) -> &'static str {
        "kafka"
    }

    async fn prepare(&self) -> Result<Daemon> {
        create_unless_there().await?;
        Ok(Daemon::new(JAVA)
            .arg("-Xmx512m")
            .arg("-Dlog4j2.level=WARN")
            .arg("-cp")
            .arg(programs())
            .arg("kafka.Kafka")
            .arg(configuration::write("server.properties", &data())?))
    }

    async fn ready(&self) -> Result<()> {
        health::listens(NODE_ADDRESS, KAFKA_PORT).await?;
        ask_for_versions().await
    }
}

/// Every jar, as Java writes it.
fn programs() -> String {
    format!("{}/*", tool("kafka").display())
}

async fn create_unless_there() -> Result<()> {
    if data().exists() {
        return Ok(());
    }
    let unfinished = data().with_added_extension("unfinished");
    files::remove_directory(&unfinished)?;
    let operator = KafkaHandle::load()?;
    // It takes the password nowhere else than on its command line.
    let login = format!(
        "SCRAM-SHA-256=[name={OPERATOR},password={}]",
        operator.password
    );
    run(command(JAVA)
        .args(["-cp", &programs(), "kafka.tools.StorageTool", "format"])
        .args(["--standalone", "--cluster-id", CLUSTER])
        .args(["--add-scram", &login])
        .arg("--config")
        .arg(configuration::write("format.properties", &unfinished)?))
    .await?;
    Ok(fs::rename(unfinished, data())?)
}

/// Asks which requests it takes (`ApiVersions`), the one question that every client
/// begins with. It takes none before its controller has let it join.
async fn ask_for_versions() -> Result<()> {
    // The length of what follows, the request's kind and version, a number to know the
    // answer by, and no client's name.
    const REQUEST: &[u8] = b"\0\0\0\x0a\0\x12\0\0akil\xff\xff";
    let mut connection = TcpStream::connect(("127.0.0.1", KAFKA_INTERNAL_PORT)).await?;
    connection.write_all(REQUEST).await?;
    // The length, that number, and the code of an error.
    let mut answer = [0; 10];
    connection.read_exact(&mut answer).await?;
    ensure!(
        answer[4..] == *b"akil\0\0",
        "it answers with {answer:?} when asked for its versions"
    );
    Ok(())
}
