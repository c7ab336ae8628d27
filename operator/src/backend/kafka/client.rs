//! The requests that the operator sends to Kafka.

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

use super::binding::{Address, SASL_MECHANISM};
use super::error::{explain, rejected, request_error};
use crate::backend::access::Access;
use crate::config::Topic;
use crate::error::Error;
use crate::metrics::Metrics;
use crate::password::Password;

/// How long the library tries: a little less than a call may take, so that it says itself
/// what is wrong.
const TIMEOUT: Duration = Duration::from_secs(4);

/// How long a change may take until every look shows it. Kafka's brokers hear of it from
/// the controller, a few milliseconds after it was confirmed.
const SETTLING: Duration = Duration::from_millis(500);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The brokers' default.
const REPLICATION: TopicReplication<'_> = TopicReplication::Fixed(-1);

/// The operator's connections to Kafka. Clones share them.
#[derive(Clone)]
pub struct Client {
    access: Access,
    address: Address,
    kafka: Arc<AdminClient<DefaultClientContext>>,
    admin: Arc<Admin<DefaultClientContext>>,
    /// The last connection error since the last answer.
    connection_error: Arc<Mutex<Option<RequestError>>>,
}

impl Client {
    /// A client that connects by itself: the operator starts while Kafka is down.
    ///
    /// # Errors
    /// The library doesn't take the configuration.
    pub fn new(
        address: Address,
        user: &str,
        password: &Password,
        metrics: Metrics,
    ) -> Result<Self, KafkaError> {
        let kafka = connect(&address, user, password)?;
        Ok(Self {
            access: Access::new("kafka", "Kafka", metrics),
            address,
            admin: Arc::new(Admin::new(kafka.clone(), TIMEOUT)),
            kafka,
            connection_error: Arc::default(),
        })
    }

    /// The same cluster as another user.
    pub fn log_in_as(&self, user: &str, password: &Password) -> Result<Self, KafkaError> {
        Self::new(self.address.clone(), user, password, Metrics::default())
    }

    /// The ACLs of a principal, or all there are.
    pub async fn acls(&self, principal: Option<&str>) -> Result<BTreeSet<Acl>, Error> {
        self.call("describing ACLs", self.admin.acls(principal))
            .await
    }

    /// Creates ACLs of this principal.
    pub async fn create_acls(&self, principal: &str, acls: &BTreeSet<Acl>) -> Result<(), Error> {
        self.call("creating ACLs", self.admin.create_acls(acls.clone()))
            .await?;
        let settling = Settling::begin();
        while !self.acls(Some(principal)).await?.is_superset(acls) && settling.pause().await {}
        Ok(())
    }

    /// Deletes ACLs of this principal.
    pub async fn delete_acls(&self, principal: &str, acls: &BTreeSet<Acl>) -> Result<(), Error> {
        self.call("deleting ACLs", self.admin.delete_acls(acls.clone()))
            .await?;
        let settling = Settling::begin();
        while !self.acls(Some(principal)).await?.is_disjoint(acls) && settling.pause().await {}
        Ok(())
    }

    /// The credentials of these users, or of all if none is named.
    pub async fn logins(
        &self,
        users: &[&str],
    ) -> Result<BTreeMap<String, BTreeSet<ScramCredential>>, Error> {
        let described = self.admin.scram_credentials(users);
        self.call("describing SCRAM credentials", described).await
    }

    /// Lets this user log in with this password.
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
        let settling = Settling::begin();
        while !self.logins_of(user).await?.contains(&login) && settling.pause().await {}
        Ok(())
    }

    /// Lets this user no longer log in with this mechanism.
    pub async fn delete_login(&self, user: &str, mechanism: Mechanism) -> Result<(), Error> {
        let deleted = self.admin.delete_scram_credential(user, mechanism);
        self.call("deleting a SCRAM credential", deleted).await?;
        let is_it = |login: &ScramCredential| login.mechanism == mechanism;
        let settling = Settling::begin();
        while self.logins_of(user).await?.iter().any(is_it) && settling.pause().await {}
        Ok(())
    }

    /// The credentials of this user.
    pub async fn logins_of(&self, user: &str) -> Result<BTreeSet<ScramCredential>, Error> {
        let mut all = self.logins(&[user]).await?;
        Ok(all.remove(user).unwrap_or_default())
    }

    /// The names of all topics.
    pub async fn topics(&self) -> Result<BTreeSet<String>, Error> {
        let metadata = self.call("listing topics", self.metadata(None)).await?;
        let names = metadata
            .topics()
            .iter()
            .map(|topic| topic.name().to_owned());
        Ok(names.collect())
    }

    /// Whether there is a topic of this name.
    ///
    /// # Errors
    /// `PrivilegeMissing` where the user may not know.
    pub async fn has_topic(&self, name: &str) -> Result<bool, Error> {
        let look = async {
            let metadata = self.metadata(Some(name.to_owned())).await?;
            let found = metadata.topics().iter().find(|topic| topic.name() == name);
            match found.map(|topic| topic.error()) {
                // One that is just made has no leader yet.
                Some(None | Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)) => {
                    Ok(true)
                }
                None | Some(Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)) => {
                    Ok(false)
                }
                Some(Some(error)) => Err(rejected(name, error.into())),
            }
        };
        self.call("looking for a topic", look).await
    }

    /// Makes a topic of this name, unless there is one.
    pub async fn create_topic(&self, name: &str, topic: &Topic) -> Result<(), Error> {
        let retention = topic.retention.as_millis().to_string();
        let wanted =
            NewTopic::new(name, topic.partitions, REPLICATION).set("retention.ms", &retention);
        let options = AdminOptions::new().request_timeout(Some(TIMEOUT));
        let create = async {
            let created = self.kafka.create_topics([&wanted], &options).await;
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
        let settling = Settling::begin();
        while !self.has_topic(name).await? && settling.pause().await {}
        Ok(())
    }

    /// Deletes these topics, as far as they are there.
    pub async fn delete_topics(&self, names: &BTreeSet<String>) -> Result<(), Error> {
        let wanted: Vec<&str> = names.iter().map(String::as_str).collect();
        let options = AdminOptions::new().request_timeout(Some(TIMEOUT));
        let delete = async {
            let deleted = self.kafka.delete_topics(&wanted, &options).await;
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
        let settling = Settling::begin();
        while !self.topics().await?.is_disjoint(names) && settling.pause().await {}
        Ok(())
    }

    /// The names of all consumer groups.
    pub async fn groups(&self) -> Result<BTreeSet<String>, Error> {
        self.call("listing groups", self.admin.groups()).await
    }

    /// Deletes these consumer groups, as far as they are there.
    ///
    /// # Errors
    /// `GroupInUse` where one has members; the others are deleted.
    pub async fn delete_groups(&self, names: &BTreeSet<String>) -> Result<(), Error> {
        let wanted: Vec<&str> = names.iter().map(String::as_str).collect();
        let options = AdminOptions::new().request_timeout(Some(TIMEOUT));
        let delete = async {
            let deleted = self.kafka.delete_groups(&wanted, &options).await;
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

    /// What the operator's user may do with the cluster; none if the cluster doesn't say.
    pub async fn rights(&self) -> Result<Option<BTreeSet<Operation>>, Error> {
        self.call("describing the cluster", self.admin.cluster_rights())
            .await
    }

    async fn metadata(&self, topic: Option<String>) -> Result<Metadata, RequestError> {
        let kafka = self.kafka.clone();
        let about = topic.clone().unwrap_or_else(|| "all topics".to_owned());
        let fetch = move || kafka.inner().fetch_metadata(topic.as_deref(), TIMEOUT);
        let fetched = tokio::task::spawn_blocking(fetch).await;
        let fetched = fetched.map_err(|_| rejected(&about, Code::Fail))?;
        fetched.map_err(|error| request_error(&about, &error))
    }

    async fn call<T>(
        &self,
        doing: &str,
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
            answer.map_err(|error| explain(doing, &error, last.as_ref()))
        };
        self.access.call(doing, call).await
    }
}

fn connect(
    address: &Address,
    user: &str,
    password: &Password,
) -> Result<Arc<AdminClient<DefaultClientContext>>, KafkaError> {
    let mut config = ClientConfig::new();
    config
        .set("client.id", "akili-operator")
        .set("bootstrap.servers", &address.bootstrap_servers)
        .set("security.protocol", address.security_protocol.as_str())
        .set("sasl.mechanism", SASL_MECHANISM)
        .set("sasl.username", user)
        .set("sasl.password", password.expose())
        // To look for a topic is not to make it.
        .set("allow.auto.create.topics", "false")
        .set("reconnect.backoff.max.ms", "1000")
        // Errors: what keeps it from the brokers is heard of in no other way.
        .set("enabled_events", "8")
        .set_log_level(RDKafkaLogLevel::Emerg);
    if let Some(ca) = &address.ca {
        config.set("ssl.ca.pem", ca);
    }
    Ok(Arc::new(config.create()?))
}

/// The moment that a change may take until it shows. What doesn't show by then isn't
/// waited for: that is seen when the tenant is looked at again.
struct Settling(Instant);

impl Settling {
    fn begin() -> Self {
        Self(Instant::now())
    }

    /// Waits until it is worth another look; false if it isn't any more.
    async fn pause(&self) -> bool {
        tokio::time::sleep(LOOK_EVERY).await;
        self.0.elapsed() < SETTLING
    }
}
