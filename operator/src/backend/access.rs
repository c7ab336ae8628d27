//! The way to a backend: every call has an end and is counted, and none is made
//! while the backend is known not to answer.

use std::sync::Arc;
use std::time::Duration;

use super::breaker::Breaker;
use crate::error::{Error, Reason};
use crate::metrics::Metrics;

/// The longest that an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The way to one backend. Clones share what they know of it.
#[derive(Clone)]
pub struct Access {
    name: &'static str,
    title: &'static str,
    breaker: Arc<Breaker>,
    metrics: Metrics,
}

impl Access {
    /// The way to the backend that metrics call `name` and people `title`.
    pub fn new(name: &'static str, title: &'static str, metrics: Metrics) -> Self {
        Self {
            name,
            title,
            breaker: Arc::default(),
            metrics,
        }
    }

    /// Makes one call, for what `doing` says.
    ///
    /// # Errors
    /// The call's own; `Unreachable` if there is no answer in time; what the last call
    /// heard while nobody asks.
    pub async fn call<T>(
        &self,
        doing: &str,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let asks_for_all = self.breaker.admit().await?;
        let answer = match tokio::time::timeout(PATIENCE, call).await {
            Ok(answer) => answer,
            Err(_) => Err(self.silent(doing)),
        };
        let shut = answer.as_ref().err().filter(|error| concerns_all(error));
        self.breaker.note(shut);
        drop(asks_for_all);
        self.metrics.called(self.name, (&answer).into());
        answer
    }

    fn silent(&self, doing: &str) -> Error {
        Error::new(
            Reason::Unreachable,
            format!(
                "{}: {doing}: no answer within {} s; check that the server runs and can be \
                 reached; it is tried again",
                self.title,
                PATIENCE.as_secs()
            ),
        )
    }
}

/// Whether every tenant would hear the same.
fn concerns_all(error: &Error) -> bool {
    matches!(error.reason, Reason::Unreachable | Reason::LoginRefused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Class;

    fn access() -> Access {
        Access::new("kafka", "Kafka", Metrics::default())
    }

    #[tokio::test(start_paused = true)]
    async fn a_backend_that_does_not_answer_is_left_alone_for_a_while() {
        let access = access();
        let silent: Result<(), Error> = access.call("listing topics", std::future::pending()).await;
        let error = silent.unwrap_err();
        assert_eq!(
            (error.class(), error.reason),
            (Class::Transient, Reason::Unreachable)
        );
        assert!(
            error
                .message
                .starts_with("Kafka: listing topics: no answer within 5 s"),
            "{error}"
        );
        let asked: Result<(), Error> = access.call("again", async { unreachable!() }).await;
        assert_eq!(asked.unwrap_err().message, error.message);
    }

    #[tokio::test]
    async fn an_error_of_one_tenant_keeps_nobody_else_from_asking() {
        let access = access();
        for (reason, asked) in [(Reason::Refused, true), (Reason::LoginRefused, false)] {
            let refused: Result<(), Error> = access
                .call("one", async { Err(Error::new(reason, "no")) })
                .await;
            assert_eq!(refused.unwrap_err().reason, reason);
            let next = access.call("another", async { Ok(()) }).await;
            assert_eq!(next.is_ok(), asked, "{reason}");
        }
    }
}
