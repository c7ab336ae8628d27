//! Kafka plane: a tenant's rights on topics, consumer groups and transactions with its own
//! prefix, and its login.
//!
//! - [`akili_core::kafka`], pure: observed state, steps, ACLs, and the SCRAM credential that
//!   belongs to a password.
//! - [`claims`]: which topics are a tenant's, recorded in the registry.
//! - [`client`]: requests, with [`akili_kafka_admin`] for those that rdkafka doesn't offer.
//! - [`preflight`]: checks of the cluster for `akili-operator check`.
//! - [`service_binding`]: layout of the tenant's Secret.
//! - [`setup`]: builds the plane from the configuration.

pub mod claims;
pub mod client;
pub mod error;
pub mod preflight;
pub mod service_binding;
pub mod setup;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use akili_core::kafka::acls::principal;
use akili_core::kafka::diff::diff;
use akili_core::kafka::login::login;
use akili_core::kafka::model::{Held, Observed, Ownership, Prefixed, Step};
use akili_core::kafka::settings::Topic;
use akili_crds::Tenant;
use akili_crds::condition::{self, types};
use akili_crds::names::ANNOTATION_ADOPT;
use akili_crds::tenant::{Resources, TopicNames};
use async_trait::async_trait;
use futures::future::try_join_all;
use kube::ResourceExt;

use self::claims::Claims;
use self::client::Client;
use crate::backend::credentials::Credentials;
use crate::backend::{Backend, Desired, Effect, TenantKey};
use crate::error::{Error, Reason};

/// Maximum number of foreign topics in a message.
const MAX_NAMED: usize = 3;

/// The Kafka plane.
pub struct Kafka {
    client: Client,
    credentials: Arc<dyn Credentials>,
    claims: Arc<dyn Claims>,
    /// Topics that every tenant gets.
    base: Vec<Topic>,
}

impl Kafka {
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

    async fn held(&self, tenant: &TenantKey) -> Result<Held, Error> {
        let (user, principal) = (tenant.id.kafka_user(), principal(tenant));
        let base = self.base.iter().map(async |topic| {
            let exists = self.client.has_topic(&full_name(tenant, topic)).await?;
            Ok::<_, Error>(exists.then(|| topic.name.clone()))
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

    async fn held_by_all(&self, tenants: &[TenantKey]) -> Result<BTreeMap<TenantKey, Held>, Error> {
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
            let existing = base.filter(|topic| topics.contains(&full_name(tenant, topic)));
            Held {
                acls: acls_of.remove(&principal(tenant)).unwrap_or_default(),
                logins: logins.remove(&tenant.id.kafka_user()).unwrap_or_default(),
                topics: existing.map(|topic| topic.name.clone()).collect(),
            }
        };
        let all = tenants.iter().map(|tenant| (tenant.clone(), held(tenant)));
        Ok(all.collect())
    }

    /// Returns the owner of the topics with the tenant's prefix. The registry is read only
    /// before the tenant has an ACL or a login: later its outage delays nothing.
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

    /// Returns what a purge deletes. Only the registry decides whether the topics are the
    /// tenant's: existing ACLs or logins don't count here.
    async fn prefixed(&self, tenant: &TenantKey) -> Result<Prefixed, Error> {
        if !self.claims.has_topics(tenant).await? {
            return Ok(Prefixed::default());
        }
        let prefix = tenant.slug.topic_prefix();
        let own = |mut names: BTreeSet<String>| {
            names.retain(|name| name.starts_with(&prefix));
            names
        };
        Ok(Prefixed {
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
    const NAME: &'static str = "kafka";
    const CONDITION: &'static str = types::TOPICS_READY;

    type Held = Held;
    type Observed = Observed;
    type Step = Step;

    fn name_resources(&self, tenant: &TenantKey, resources: &mut Resources) {
        resources.topics = Some(TopicNames {
            prefix: tenant.slug.topic_prefix(),
            principal: principal(tenant),
        });
    }

    /// Claims the topics that existed before the tenant, once an admin has said by the
    /// annotation that they are the tenant's.
    async fn adopt(&self, tenant: &Tenant, key: &TenantKey) -> Result<(), Error> {
        let adopted = tenant.annotations().get(ANNOTATION_ADOPT);
        let status = tenant.status.as_ref();
        let refused = status.is_some_and(|status| {
            let topics = condition::find(&status.conditions, Self::CONDITION);
            topics.is_some_and(|topics| topics.reason.parse() == Ok(Reason::OwnedByAnother))
        });
        if refused && adopted.is_some_and(|what| what == "topics") {
            self.claims.claim_topics(key).await?;
        }
        Ok(())
    }

    async fn list(&self, tenants: &[TenantKey]) -> Result<BTreeMap<TenantKey, Held>, Error> {
        match tenants {
            [tenant] => {
                let held = self.held(tenant).await?;
                Ok([(tenant.clone(), held)].into())
            }
            tenants => self.held_by_all(tenants).await,
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
                prefixed: self.prefixed(tenant).await?,
                held,
            });
        }
        Ok(Observed {
            topics: self.ownership(tenant, &held).await?,
            credential: self.credentials.read(tenant).await?,
            prefixed: Prefixed::default(),
            held,
        })
    }

    /// Foreign topics prevent access, but not the absence of access.
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
        let named = topics.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>();
        let more = match topics.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Some(format!(
            "Kafka: topics with prefix {} existed before the tenant: {}{more}; delete them, or \
             give them to the tenant: kubectl annotate tenant {} {ANNOTATION_ADOPT}=topics",
            tenant.slug.topic_prefix(),
            named.join(", "),
            tenant.slug
        ))
    }

    fn diff(&self, tenant: &TenantKey, desired: &Desired, observed: &Observed) -> Vec<Step> {
        diff(tenant, desired, &self.base, observed)
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
                let login = login(&password);
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
