//! Service Binding of a tenant: layout of the Secret `akili-kafka`.

use crate::backend::TenantKey;
use crate::backend::credentials::{Entries, ServiceBinding};
use crate::password::Password;
use akili_core::kafka::settings::SecurityProtocol;

/// SASL mechanism of the operator and of all tenants.
pub const SASL_MECHANISM: &str = "SCRAM-SHA-256";

/// Connection settings of Kafka, for the operator and for tenants.
#[derive(Clone, Debug)]
pub struct ConnectionInfo {
    pub bootstrap_servers: String,
    pub security_protocol: SecurityProtocol,
    /// Certificate authority of the brokers in PEM.
    pub ca: Option<String>,
}

impl ConnectionInfo {
    /// Returns the configuration of Java clients and of Kafka's own tools.
    fn properties(&self, user: &str, password: &str) -> String {
        let Self {
            bootstrap_servers,
            security_protocol,
            ca,
        } = self;
        let module = "org.apache.kafka.common.security.scram.ScramLoginModule";
        // Generated passwords are letters and digits: nothing needs escaping.
        let properties = format!(
            "bootstrap.servers={bootstrap_servers}\n\
             security.protocol={}\n\
             sasl.mechanism={SASL_MECHANISM}\n\
             sasl.jaas.config={module} required username=\"{user}\" password=\"{password}\";\n",
            security_protocol.as_str()
        );
        let trusted = ca.iter().map(|ca| {
            let one_line = ca.trim_end().replace('\n', "\\n");
            format!("ssl.truststore.type=PEM\nssl.truststore.certificates={one_line}\n")
        });
        std::iter::once(properties).chain(trusted).collect()
    }
}

impl ServiceBinding for ConnectionInfo {
    fn secret(&self) -> &'static str {
        "akili-kafka"
    }

    fn type_(&self) -> &'static str {
        "kafka"
    }

    fn entries(&self, tenant: &TenantKey, password: &Password) -> Entries {
        let (user, password) = (tenant.id.kafka_user(), password.expose());
        let ca = self.ca.iter().map(|ca| ("ca.crt", ca.clone()));
        let entries = [
            ("bootstrap-servers", self.bootstrap_servers.clone()),
            ("topic-prefix", tenant.slug.topic_prefix()),
            ("security-protocol", self.security_protocol.as_str().into()),
            ("sasl-mechanism", SASL_MECHANISM.into()),
            ("client.properties", self.properties(&user, password)),
            ("username", user),
            ("password", password.to_owned()),
        ];
        Entries(entries.into_iter().chain(ca).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_have_java_client_syntax() {
        let connection = ConnectionInfo {
            bootstrap_servers: "kafka-1:9092,kafka-2:9092".into(),
            security_protocol: SecurityProtocol::SaslSsl,
            ca: Some("-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n".into()),
        };
        assert_eq!(
            connection.properties("tenant-1", "word"),
            r#"bootstrap.servers=kafka-1:9092,kafka-2:9092
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-256
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="tenant-1" password="word";
ssl.truststore.type=PEM
ssl.truststore.certificates=-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----
"#
        );
    }
}
