//! Kafka's configuration.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::{
    files,
    layout::{self, KAFKA_CONTROLLER_PORT, KAFKA_INTERNAL_PORT, KAFKA_PORT, NODE_ADDRESS},
    pki::{self, Subject},
};

/// User of the operator, a super user of the authorizer.
pub const OPERATOR: &str = "akili-operator";

/// Returns the directory of Kafka's files.
pub fn directory() -> PathBuf {
    layout::state("kafka")
}

/// Returns the directory of Kafka's data.
pub fn data() -> PathBuf {
    directory().join("data")
}

/// Writes a configuration for this data directory and returns its path.
pub fn write(name: &str, data: &Path) -> Result<PathBuf> {
    let (data, keystore) = (data.display(), keystore()?);
    let keystore = keystore.display();
    let listeners = format!(
        "SASL_SSL://{NODE_ADDRESS}:{KAFKA_PORT},INTERNAL://127.0.0.1:{KAFKA_INTERNAL_PORT},CONTROLLER://127.0.0.1:{KAFKA_CONTROLLER_PORT}"
    );
    let settings = format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{KAFKA_CONTROLLER_PORT}
log.dirs={data}

listeners={listeners}
advertised.listeners={listeners}
listener.security.protocol.map=SASL_SSL:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=INTERNAL
controller.listener.names=CONTROLLER
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
sasl.enabled.mechanisms=SCRAM-SHA-256
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;

# Clients on the listeners of 127.0.0.1 are anonymous.
super.users=User:ANONYMOUS;User:{OPERATOR}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
auto.create.topics.enable=false
# Metadata grows only by changes, not while idle.
metadata.max.idle.interval.ms=0
# Restarted without a snapshot, Kafka may forget every login if one was ever deleted:
# `ScramDelta.apply` of 4.1 to 4.4 continues with a map that it has thrown away.
metadata.log.max.snapshot.interval.ms=1000

# One broker, little load.
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=3
group.initial.rebalance.delay.ms=0
"
    );
    let file = directory().join(name);
    files::write(&file, settings)?;
    Ok(file)
}

/// Writes the server's key and certificate into one file, as Kafka requires, and returns
/// its path.
fn keystore() -> Result<PathBuf> {
    let names = [NODE_ADDRESS];
    let served = pki::issue(
        "kafka",
        &Subject {
            common_name: "kafka",
            organization: None,
            names: &names,
        },
    )?;
    let keystore = directory().join("server.pem");
    let (key, certificate) = (files::read(&served.key)?, files::read(&served.certificate)?);
    files::write_secret(&keystore, key + &certificate)?;
    Ok(keystore)
}
