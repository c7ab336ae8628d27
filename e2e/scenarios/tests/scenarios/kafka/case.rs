//! Attempts of a tenant with Kafka.

use akili_scenarios::platform::KafkaAdmin;
use anyhow::Result;
use futures::FutureExt;
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::access_matrix::{self, Answer, Attempt, Cause, Client, Expected, Failure};

pub type Case<'a> = access_matrix::Case<Attempt<'a>>;

/// Returns a case that must succeed.
pub fn done<'a, T, E: Into<Failure>>(
    what: &'static str,
    attempt: impl Future<Output = Result<T, E>> + 'a,
) -> Case<'a> {
    case(what, attempt, Expected::Done)
}

/// Returns a case that must be rejected with this code.
pub fn rejected<'a, T, E: Into<Failure>>(
    what: &'static str,
    code: Code,
    attempt: impl Future<Output = Result<T, E>> + 'a,
) -> Case<'a> {
    let cause = Cause::Code(format!("{code:?}"));
    case(what, attempt, Expected::Rejected(cause))
}

fn case<'a, T, E: Into<Failure>>(
    what: &'static str,
    attempt: impl Future<Output = Result<T, E>> + 'a,
    expected: Expected,
) -> Case<'a> {
    let attempt = attempt.map(|answer| Ok(Answer::of(answer)));
    access_matrix::Case::new(what, attempt.boxed_local(), expected)
}

/// A tenant whose attempts are futures.
pub struct Tenant<'a> {
    pub admin: &'a KafkaAdmin,
    pub slug: &'a str,
}

impl<'f> Client<Attempt<'f>> for Tenant<'_> {
    async fn attempt(&mut self, attempt: Attempt<'f>) -> Result<Answer> {
        attempt.await
    }

    /// Returns everything that isn't the tenant's: offsets of topics, ACLs, and users.
    async fn protected_data(&mut self) -> Result<String> {
        let prefix = format!("{}.", self.slug);
        let mut messages = Vec::new();
        for topic in self.admin.clients.topics()? {
            if !topic.starts_with(&prefix) && !topic.starts_with("__") {
                messages.push((self.admin.clients.offsets(&topic)?, topic));
            }
        }
        let mut acls = self.admin.access.acls(None).await?;
        acls.retain(|acl| acl.name != prefix);
        let users = self.admin.access.scram_credentials(&[]).await?;
        Ok(format!("{messages:?} {acls:?} {users:?}"))
    }
}
