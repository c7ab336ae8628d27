//! What a tenant tries with Kafka, and what must come of it.

use std::fmt::Display;

use akili_kafka_admin::Error as RequestError;
use akili_scenarios::platform::KafkaAdmin;
use anyhow::{Result, ensure};
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

/// Something that is tried.
pub struct Case<'a> {
    what: &'static str,
    refused_with: Option<Code>,
    attempt: LocalBoxFuture<'a, Result<(), Failure>>,
}

/// Why it failed.
pub struct Failure {
    code: Option<Code>,
    text: String,
}

impl Failure {
    /// One that Kafka didn't speak of.
    pub fn new(text: impl Display) -> Self {
        Self {
            code: None,
            text: text.to_string(),
        }
    }
}

impl From<KafkaError> for Failure {
    fn from(error: KafkaError) -> Self {
        let code = match &error {
            KafkaError::AdminOp(code) => Some(*code),
            error => error.rdkafka_error_code(),
        };
        Self {
            code,
            text: error.to_string(),
        }
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        Self {
            code: Some(error.code),
            text: error.to_string(),
        }
    }
}

/// It must work.
pub fn done<'a, T, E: Into<Failure>>(
    what: &'static str,
    attempt: impl Future<Output = Result<T, E>> + 'a,
) -> Case<'a> {
    Case {
        what,
        refused_with: None,
        attempt: attempt
            .map(|answer| answer.map(drop).map_err(Into::into))
            .boxed_local(),
    }
}

/// It must be refused with this code; any other failure proves nothing.
pub fn refused<'a, T, E: Into<Failure>>(
    what: &'static str,
    code: Code,
    attempt: impl Future<Output = Result<T, E>> + 'a,
) -> Case<'a> {
    Case {
        refused_with: Some(code),
        ..done(what, attempt)
    }
}

/// What was tried, and what came of it.
pub struct Matrix<'a> {
    admin: &'a KafkaAdmin,
    /// Whose are changed by its own attempts.
    own: &'a str,
    lines: Vec<String>,
    failures: usize,
}

impl<'a> Matrix<'a> {
    /// An empty one, for what the tenant of this slug tries.
    pub fn new(admin: &'a KafkaAdmin, own: &'a str) -> Self {
        Self {
            admin,
            own,
            lines: Vec::new(),
            failures: 0,
        }
    }

    /// Tries one case after another.
    pub async fn attempt(&mut self, who: &str, cases: Vec<Case<'_>>) -> Result<()> {
        self.lines.push(format!("{who}:"));
        for case in cases {
            let what = case.what;
            let result = self.judge(case).await;
            self.failures += usize::from(result.is_err());
            self.lines.push(match result {
                Ok(word) => format!("  {word:8} {what}"),
                Err(why) => format!("  FAIL     {what}: {why:#}"),
            });
        }
        Ok(())
    }

    /// Whatever comes of it, nothing of anybody else is changed.
    async fn judge(&self, case: Case<'_>) -> Result<&'static str> {
        let before = self.others().await?;
        let answer = case.attempt.await;
        let after = self.others().await?;
        ensure!(before == after, "of the others' {before} it left {after}");
        match (answer, case.refused_with) {
            (Ok(()), None) => Ok("done"),
            (Err(failure), Some(code)) if failure.code == Some(code) => Ok("refused"),
            (Ok(()), Some(_)) => anyhow::bail!("it was done"),
            (Err(failure), _) => anyhow::bail!("{}", failure.text),
        }
    }

    /// Everything that isn't the tenant's: messages of topics, ACLs, and users.
    async fn others(&self) -> Result<String> {
        let prefix = format!("{}.", self.own);
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

    /// Shows all of it; an error if anything came out otherwise than it must.
    pub fn finish(self) -> Result<()> {
        println!("{}", self.lines.join("\n"));
        ensure!(self.failures == 0, "{} cases failed", self.failures);
        Ok(())
    }
}
