//! Requests to Kafka.

use akili_core::kafka::settings::Topic;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use akili_kafka_admin::{Acl, Admin, Error as RequestError, Mechanism, Operation, ScramCredential};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::metadata::Metadata;
use rdkafka::types::{RDKafkaErrorCode as Code, RDKafkaRespErr};

use super::error::{explain, rejected, request_error};
use super::service_binding::{ConnectionInfo, SASL_MECHANISM};
use crate::backend::call::Caller;
use crate::error::Error;
use crate::metrics::Metrics;
use crate::password::Password;

/// Timeout of librdkafka's requests. Shorter than the timeout of a call, so that librdkafka
/// can report the cause.
const TIMEOUT: Duration = Duration::from_secs(4);

/// Maximum time until brokers show a confirmed change. The controller propagates a change
/// to the brokers a few milliseconds after confirming it.
const PROPAGATION_TIMEOUT: Duration = Duration::from_millis(500);
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The brokers' default replication factor.
const REPLICATION: TopicReplication<'_> = TopicReplication::Fixed(-1);

/// The operator's Kafka client. Clones share its connections.
#[derive(Clone)]
pub struct Client {
    caller: Caller,
    connection: ConnectionInfo,
    kafka: Arc<AdminClient<DefaultClientContext>>,
    admin: Arc<Admin<DefaultClientContext>>,
    /// The last connection error since the last answer.
    connection_error: Arc<Mutex<Option<RequestError>>>,
}

impl Client {
    /// Creates a client that connects in the background: the operator starts even while
    /// Kafka is down.
    ///
    /// # Errors
    /// librdkafka rejects the configuration.
    pub fn new(
        connection: ConnectionInfo,
        user: &str,
        password: &Password,
        metrics: Metrics,
    ) -> Result<Self, KafkaError> {
        let kafka = connect(&connection, user, password)?;
        Ok(Self {
            caller: Caller::new("kafka", "Kafka", metrics),
            connection,
            admin: Arc::new(Admin::new(kafka.clone(), TIMEOUT)),
            kafka,
            connection_error: Arc::default(),
        })
    }

    /// Creates a client of the same cluster for another user.
    pub fn log_in_as(&self, user: &str, password: &Password) -> Result<Self, KafkaError> {
        Self::new(self.connection.clone(), user, password, Metrics::default())
    }

    /// Returns the ACLs of a principal, or all ACLs.
    pub async fn acls(&self, principal: Option<&str>) -> Result<BTreeSet<Acl>, Error> {
        self.call("describing ACLs", self.admin.acls(principal))
            .await
    }

    /// Creates ACLs of this principal and waits until brokers show them.
    pub async fn create_acls(&self, principal: &str, acls: &BTreeSet<Acl>) -> Result<(), Error> {
        self.call("creating ACLs", self.admin.create_acls(acls.clone()))
            .await?;
        let propagation = Propagation::begin();
        while !self.acls(Some(principal)).await?.is_superset(acls) && propagation.poll_again().await
        {
        }
        Ok(())
    }

    /// Deletes ACLs of this principal and waits until no broker shows them.
    pub async fn delete_acls(&self, principal: &str, acls: &BTreeSet<Acl>) -> Result<(), Error> {
        self.call("deleting ACLs", self.admin.delete_acls(acls.clone()))
            .await?;
        let propagation = Propagation::begin();
        while !self.acls(Some(principal)).await?.is_disjoint(acls) && propagation.poll_again().await
        {
        }
        Ok(())
    }

    /// Returns the SCRAM credentials of these users, or of all users if `users` is empty.
    pub async fn logins(
        &self,
        users: &[&str],
    ) -> Result<BTreeMap<String, BTreeSet<ScramCredential>>, Error> {
        let described = self.admin.scram_credentials(users);
        self.call("describing SCRAM credentials", described).await
    }

    /// Sets the password of this user.
    pub async fn set_login(
        &self,
        user: &str,
        login: ScramCredential,
        password: Password,
    ) -> Result<(), Error> {
        let set = self
            .admin
            .set_scram_credential(user, login, password.expose());
        self.call("setting a SCRAM credential", set).await?;
        let propagation = Propagation::begin();
        while !self.logins_of(user).await?.contains(&login) && propagation.poll_again().await {}
        Ok(())
    }

    /// Deletes the credential of this user for this mechanism.
    pub async fn delete_login(&self, user: &str, mechanism: Mechanism) -> Result<(), Error> {
        let deleted = self.admin.delete_scram_credential(user, mechanism);
        self.call("deleting a SCRAM credential", deleted).await?;
        let is_left = |login: &ScramCredential| login.mechanism == mechanism;
        let propagation = Propagation::begin();
        while self.logins_of(user).await?.iter().any(is_left) && propagation.poll_again().await {}
        Ok(())
    }

    /// Returns the SCRAM credentials of this user.
    pub async fn logins_of(&self, user: &str) -> Result<BTreeSet<ScramCredential>, Error> {
        let mut all = self.logins(&[user]).await?;
        Ok(all.remove(user).unwrap_or_default())
    }

    /// Returns the names of all topics.
    pub async fn topics(&self) -> Result<BTreeSet<String>, Error> {
        let metadata = self.call("listing topics", self.metadata(None)).await?;
        let names = metadata
            .topics()
            .iter()
            .map(|topic| topic.name().to_owned());
        Ok(names.collect())
    }

    /// Returns whether a topic of this name exists.
    ///
    /// # Errors
    /// `PrivilegeMissing` if the user may not describe the topic.
    pub async fn has_topic(&self, name: &str) -> Result<bool, Error> {
        let describe = async {
            let metadata = self.metadata(Some(name.to_owned())).await?;
            let found = metadata.topics().iter().find(|topic| topic.name() == name);
            match found.map(|topic| topic.error()) {
                // A topic that was just created has no leader yet.
                Some(None | Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)) => {
                    Ok(true)
                }
                None | Some(Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)) => {
                    Ok(false)
                }
                Some(Some(error)) => Err(rejected(name, error.into())),
            }
        };
        self.call("describing a topic", describe).await
    }

    /// Creates a topic of this name unless it exists.
    pub async fn create_topic(&self, name: &str, topic: &Topic) -> Result<(), Error> {
        let retention = topic.retention.as_millis().to_string();
        let new_topic =
            NewTopic::new(name, topic.partitions, REPLICATION).set("retention.ms", &retention);
        let options = AdminOptions::new().request_timeout(Some(TIMEOUT));
        let create = async {
            let created = self.kafka.create_topics([&new_topic], &options).await;
            let created = created.map_err(|error| request_error(name, &error))?;
            for result in created {
                match result {
                    Ok(_) | Err((_, Code::TopicAlreadyExists)) => {}
                    Err((topic, code)) => return Err(rejected(&topic, code)),
                }
            }
            Ok(())
        };
        self.call("creating a topic", create).await?;
        let propagation = Propagation::begin();
        while !self.has_topic(name).await? && propagation.poll_again().await {}
        Ok(())
    }

    /// Deletes these topics; missing ones are ignored.
    pub async fn delete_topics(&self, names: &BTreeSet<String>) -> Result<(), Error> {
        let names_list: Vec<&str> = names.iter().map(String::as_str).collect();
        let options = AdminOptions::new().request_timeout(Some(TIMEOUT));
        let delete = async {
            let deleted = self.kafka.delete_topics(&names_list, &options).await;
            let deleted = deleted.map_err(|error| request_error("topics", &error))?;
            for result in deleted {
                match result {
                    Ok(_) | Err((_, Code::UnknownTopicOrPartition)) => {}
                    Err((topic, code)) => return Err(rejected(&topic, code)),
                }
            }
            Ok(())
        };
        self.call("deleting topics", delete).await?;
        let propagation = Propagation::begin();
        while !self.topics().await?.is_disjoint(names) && propagation.poll_again().await {}
        Ok(())
    }

    /// Returns the names of all consumer groups.
    pub async fn groups(&self) -> Result<BTreeSet<String>, Error> {
        self.call("listing groups", self.admin.groups()).await
    }

    /// Deletes these consumer groups; missing ones are ignored.
    ///
    /// # Errors
    /// `GroupInUse` if a group has members; the others are deleted.
    pub async fn delete_groups(&self, names: &BTreeSet<String>) -> Result<(), Error> {
        let names_list: Vec<&str> = names.iter().map(String::as_str).collect();
        let options = AdminOptions::new().request_timeout(Some(TIMEOUT));
        let delete = async {
            let deleted = self.kafka.delete_groups(&names_list, &options).await;
            let deleted = deleted.map_err(|error| request_error("groups", &error))?;
            for result in deleted {
                match result {
                    Ok(_) | Err((_, Code::GroupIdNotFound)) => {}
                    Err((group, code)) => return Err(rejected(&group, code)),
                }
            }
            Ok(())
        };
        self.call("deleting groups", delete).await
    }

    /// Returns the cluster operations that the operator's user is allowed; `None` if the
    /// cluster doesn't report them.
    pub async fn rights(&self) -> Result<Option<BTreeSet<Operation>>, Error> {
        self.call("describing the cluster", self.admin.cluster_rights())
            .await
    }

    async fn metadata(&self, topic: Option<String>) -> Result<Metadata, RequestError> {
        let kafka = self.kafka.clone();
        let subject = topic.clone().unwrap_or_else(|| "all topics".to_owned());
        let fetch = move || kafka.inner().fetch_metadata(topic.as_deref(), TIMEOUT);
        let fetched = tokio::task::spawn_blocking(fetch).await;
        let fetched = fetched.map_err(|_| rejected(&subject, Code::Fail))?;
        fetched.map_err(|error| request_error(&subject, &error))
    }

    async fn call<T>(
        &self,
        operation: &str,
        request: impl Future<Output = Result<T, RequestError>>,
    ) -> Result<T, Error> {
        let call = async {
            let answer = request.await;
            let reported = self.admin.connection_error();
            let connection_error = self.connection_error.lock();
            let mut last = connection_error.unwrap_or_else(PoisonError::into_inner);
            match &answer {
                Ok(_) => *last = None,
                // librdkafka reports an error only once: keep it until an answer comes.
                Err(_) => *last = reported.or(last.take()),
            }
            answer.map_err(|error| explain(operation, &error, last.as_ref()))
        };
        self.caller.call(operation, call).await
    }
}

fn connect(
    connection: &ConnectionInfo,
    user: &str,
    password: &Password,
) -> Result<Arc<AdminClient<DefaultClientContext>>, KafkaError> {
    let mut config = ClientConfig::new();
    config
        .set("client.id", "akili-operator")
        .set("bootstrap.servers", &connection.bootstrap_servers)
        .set("security.protocol", connection.security_protocol.as_str())
        .set("sasl.mechanism", SASL_MECHANISM)
        .set("sasl.username", user)
        .set("sasl.password", password.expose())
        // Describing a topic must not create it.
        .set("allow.auto.create.topics", "false")
        .set("reconnect.backoff.max.ms", "1000")
        // 8 = errors: the only way to learn why no broker answers.
        .set("enabled_events", "8")
        .set_log_level(RDKafkaLogLevel::Emerg);
    if let Some(ca) = &connection.ca {
        config.set("ssl.ca.pem", ca);
    }
    Ok(Arc::new(config.create()?))
}

/// Wait for a change to reach all brokers. After the timeout the caller continues: the
/// driver observes the tenant again and reports what is missing.
struct Propagation(Instant);

impl Propagation {
    fn begin() -> Self {
        Self(Instant::now())
    }

    /// Sleeps until the next poll; returns false after the timeout.
    async fn poll_again(&self) -> bool {
        tokio::time::sleep(POLL_INTERVAL).await;
        self.0.elapsed() < PROPAGATION_TIMEOUT
    }
}
