//! Calls to a backend: with a timeout, counted, and not made while the backend is known not to
//! answer.

use std::sync::Arc;
use std::time::Duration;

use super::breaker::Breaker;
use crate::error::{Error, Reason};
use crate::metrics::Metrics;

/// Timeout of a call.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Makes the calls to one backend. Clones share the breaker.
#[derive(Clone)]
pub struct Caller {
    name: &'static str,
    title: &'static str,
    breaker: Arc<Breaker>,
    metrics: Metrics,
}

impl Caller {
    /// Creates the caller of a backend with this label in metrics and this title in messages.
    pub fn new(name: &'static str, title: &'static str, metrics: Metrics) -> Self {
        Self {
            name,
            title,
            breaker: Arc::default(),
            metrics,
        }
    }

    /// Makes one call; `doing` names it in errors.
    ///
    /// # Errors
    /// Those of the call; `Unreachable` after a timeout; the error of the last call while the
    /// breaker is open.
    pub async fn call<T>(
        &self,
        doing: &str,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let probe = self.breaker.admit().await?;
        let answer = match tokio::time::timeout(TIMEOUT, call).await {
            Ok(answer) => answer,
            Err(_) => Err(self.timed_out(doing)),
        };
        let outage = answer.as_ref().err().filter(|error| concerns_all(error));
        self.breaker.record(outage);
        drop(probe);
        self.metrics.called(self.name, (&answer).into());
        answer
    }

    fn timed_out(&self, doing: &str) -> Error {
        Error::new(
            Reason::Unreachable,
            format!(
                "{}: {doing}: no answer within {} s; check that the server runs and can be \
                 reached; it is tried again",
                self.title,
                TIMEOUT.as_secs()
            ),
        )
    }
}

/// Returns whether a call for any other tenant would fail in the same way.
fn concerns_all(error: &Error) -> bool {
    matches!(error.reason, Reason::Unreachable | Reason::LoginRefused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Class;

    fn caller() -> Caller {
        Caller::new("kafka", "Kafka", Metrics::default())
    }

    #[tokio::test(start_paused = true)]
    async fn timeout_opens_breaker_for_a_while() {
        let caller = caller();
        let timed_out: Result<(), Error> =
            caller.call("listing topics", std::future::pending()).await;
        let error = timed_out.unwrap_err();
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
        let next: Result<(), Error> = caller.call("again", async { unreachable!() }).await;
        assert_eq!(next.unwrap_err().message, error.message);
    }

    #[tokio::test]
    async fn error_of_one_tenant_leaves_breaker_closed() {
        let caller = caller();
        for (reason, called) in [(Reason::Refused, true), (Reason::LoginRefused, false)] {
            let refused: Result<(), Error> = caller
                .call("one", async { Err(Error::new(reason, "no")) })
                .await;
            assert_eq!(refused.unwrap_err().reason, reason);
            let next = caller.call("another", async { Ok(()) }).await;
            assert_eq!(next.is_ok(), called, "{reason}");
        }
    }
}
