//! Kafka: what a tenant may do with topics, consumer groups and transactions below its
//! own prefix, and the login that it comes with.
//!
//! - [`access`]: what a tenant may do, as ACLs; pure.
//! - [`login`]: what Kafka shows of a password; pure.
//! - [`diff`]: what is to be done for one tenant; pure.
//! - [`binding`]: what tenants are told of it.
//! - [`preflight`]: whether the cluster is fit for all this.
//! - [`client`]: the requests, with [`akili_kafka_admin`] for those that rdkafka doesn't
//!   offer.

pub mod access;
pub mod binding;
pub mod client;
pub mod diff;
pub mod error;
pub mod login;
pub mod preflight;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use akili_crds::condition::types;
use akili_crds::names::ANNOTATION_ADOPT;
use akili_crds::tenant::{Resources, TopicNames};
use async_trait::async_trait;
use futures::future::try_join_all;

use self::access::principal;
use self::client::Client;
use self::diff::{Below, Held, Observed, Ownership, Step};
use crate::backend::credentials::Credentials;
use crate::backend::{Backend, Claims, Desired, Effect, TenantKey};
use crate::config::Topic;
use crate::error::Error;

/// How many of another's topics are named.
const MOST_NAMED: usize = 3;

/// The Kafka plane.
pub struct Kafka {
    client: Client,
    credentials: Arc<dyn Credentials>,
    claims: Arc<dyn Claims>,
    /// The topics that every tenant gets.
    base: Vec<Topic>,
}

impl Kafka {
    /// The plane of this cluster, where every tenant gets these topics.
    pub fn new(
        client: Client,
        credentials: Arc<dyn Credentials>,
        claims: Arc<dyn Claims>,
        base: Vec<Topic>,
    ) -> Self {
        Self {
            client,
            credentials,
            claims,
            base,
        }
    }

    async fn look_at(&self, tenant: &TenantKey) -> Result<Held, Error> {
        let (user, principal) = (tenant.id.kafka_user(), principal(tenant));
        let base = self.base.iter().map(async |topic| {
            let there = self.client.has_topic(&full_name(tenant, topic)).await?;
            Ok::<_, Error>(there.then(|| topic.name.clone()))
        });
        let (acls, logins, topics) = tokio::try_join!(
            self.client.acls(Some(&principal)),
            self.client.logins_of(&user),
            try_join_all(base),
        )?;
        Ok(Held {
            acls,
            logins,
            topics: topics.into_iter().flatten().collect(),
        })
    }

    async fn look_at_all(&self, tenants: &[TenantKey]) -> Result<BTreeMap<TenantKey, Held>, Error> {
        let (acls, mut logins, topics) = tokio::try_join!(
            self.client.acls(None),
            self.client.logins(&[]),
            self.client.topics(),
        )?;
        let mut acls_of: BTreeMap<String, BTreeSet<_>> = BTreeMap::new();
        for acl in acls {
            acls_of
                .entry(acl.principal.clone())
                .or_default()
                .insert(acl);
        }
        let mut held = |tenant: &TenantKey| {
            let base = self.base.iter();
            let there = base.filter(|topic| topics.contains(&full_name(tenant, topic)));
            Held {
                acls: acls_of.remove(&principal(tenant)).unwrap_or_default(),
                logins: logins.remove(&tenant.id.kafka_user()).unwrap_or_default(),
                topics: there.map(|topic| topic.name.clone()).collect(),
            }
        };
        let all = tenants.iter().map(|tenant| (tenant.clone(), held(tenant)));
        Ok(all.collect())
    }

    /// The registry is asked only at the beginning: where something is held that nobody
    /// else makes, an outage of it delays nothing.
    async fn ownership(&self, tenant: &TenantKey, held: &Held) -> Result<Ownership, Error> {
        if held.has_marks() || self.claims.has_topics(tenant).await? {
            return Ok(Ownership::Claimed);
        }
        let prefix = tenant.slug.topic_prefix();
        let mut topics = self.client.topics().await?;
        topics.retain(|topic| topic.starts_with(&prefix));
        Ok(if topics.is_empty() {
            Ownership::Free
        } else {
            Ownership::Foreign(topics.into_iter().collect())
        })
    }

    /// What a purge deletes: what the registry says is the tenant's, whatever the looks.
    async fn below(&self, tenant: &TenantKey) -> Result<Below, Error> {
        if !self.claims.has_topics(tenant).await? {
            return Ok(Below::default());
        }
        let prefix = tenant.slug.topic_prefix();
        let own = |mut names: BTreeSet<String>| {
            names.retain(|name| name.starts_with(&prefix));
            names
        };
        Ok(Below {
            topics: own(self.client.topics().await?),
            groups: own(self.client.groups().await?),
        })
    }
}

fn full_name(tenant: &TenantKey, topic: &Topic) -> String {
    format!("{}{}", tenant.slug.topic_prefix(), topic.name)
}

#[async_trait]
impl Backend for Kafka {
    type Held = Held;
    type Observed = Observed;
    type Step = Step;

    fn name(&self) -> &'static str {
        "kafka"
    }

    fn condition(&self) -> &'static str {
        types::TOPICS_READY
    }

    fn name_resources(&self, tenant: &TenantKey, resources: &mut Resources) {
        resources.topics = Some(TopicNames {
            prefix: tenant.slug.topic_prefix(),
            principal: principal(tenant),
        });
    }

    async fn list(&self, tenants: &[TenantKey]) -> Result<BTreeMap<TenantKey, Held>, Error> {
        match tenants {
            [tenant] => {
                let held = self.look_at(tenant).await?;
                Ok([(tenant.clone(), held)].into())
            }
            tenants => self.look_at_all(tenants).await,
        }
    }

    async fn observe(
        &self,
        tenant: &TenantKey,
        desired: &Desired,
        held: Held,
    ) -> Result<Observed, Error> {
        if *desired == Desired::Absent {
            return Ok(Observed {
                topics: Ownership::Claimed,
                credential: None,
                below: self.below(tenant).await?,
                held,
            });
        }
        Ok(Observed {
            topics: self.ownership(tenant, &held).await?,
            credential: self.credentials.read(tenant).await?,
            below: Below::default(),
            held,
        })
    }

    /// Another's topics are in the way of a tenant's, but not of its having none.
    fn foreign_owner(
        &self,
        tenant: &TenantKey,
        desired: &Desired,
        observed: &Observed,
    ) -> Option<String> {
        let (Ownership::Foreign(topics), Desired::Writable { .. } | Desired::ReadOnly(_)) =
            (&observed.topics, desired)
        else {
            return None;
        };
        let named = topics.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>();
        let more = match topics.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Some(format!(
            "Kafka: topics below {} were there before the tenant: {}{more}; delete them, or let \
             the tenant have them: kubectl annotate tenant {} {ANNOTATION_ADOPT}=topics",
            tenant.slug.topic_prefix(),
            named.join(", "),
            tenant.slug
        ))
    }

    fn diff(&self, tenant: &TenantKey, desired: &Desired, observed: &Observed) -> Vec<Step> {
        diff::diff(tenant, desired, &self.base, observed)
    }

    fn effect(step: &Step) -> Effect {
        match step {
            Step::Claim | Step::WriteCredential | Step::CreateTopic(_) => Effect::Neutral,
            Step::SetPassword | Step::Allow(_) | Step::Lift(_) => Effect::Opens,
            Step::Deny(_)
            | Step::Withdraw(_)
            | Step::DeleteLogin(_)
            | Step::DeleteTopics(_)
            | Step::DeleteGroups(_)
            | Step::DeleteAcls(_) => Effect::Closes,
        }
    }

    fn deletes(step: &Step) -> usize {
        match step {
            Step::DeleteTopics(batch) | Step::DeleteGroups(batch) => batch.names.len(),
            _ => 0,
        }
    }

    async fn apply(&self, tenant: &TenantKey, step: &Step) -> Result<(), Error> {
        let (principal, user) = (principal(tenant), tenant.id.kafka_user());
        match step {
            Step::Claim => self.claims.claim_topics(tenant).await,
            Step::Deny(acls) | Step::Allow(acls) => self.client.create_acls(&principal, acls).await,
            Step::Withdraw(acls) | Step::Lift(acls) | Step::DeleteAcls(acls) => {
                self.client.delete_acls(&principal, acls).await
            }
            Step::DeleteLogin(mechanism) => self.client.delete_login(&user, *mechanism).await,
            Step::WriteCredential => self.credentials.write(tenant).await,
            Step::SetPassword => {
                let password = self.credentials.password(tenant).await?;
                let login = login::login(&password);
                self.client.set_login(&user, login, password).await
            }
            Step::CreateTopic(topic) => {
                let name = full_name(tenant, topic);
                self.client.create_topic(&name, topic).await
            }
            Step::DeleteTopics(batch) => self.client.delete_topics(&batch.names).await,
            Step::DeleteGroups(batch) => self.client.delete_groups(&batch.names).await,
        }
    }
}
