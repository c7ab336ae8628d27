//! Circuit breaker: while a backend doesn't answer, one call probes it, and all others wait for
//! that call's result.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tokio::time::Instant;

use crate::error::Error;

/// How long no call is made after a failure.
const PAUSE: Duration = Duration::from_secs(3);

/// Circuit breaker of one backend; closed while the backend answers.
#[derive(Debug, Default)]
pub struct Breaker {
    open: Mutex<Option<Open>>,
    probing: Arc<AsyncMutex<()>>,
}

#[derive(Debug)]
struct Open {
    until: Instant,
    error: Error,
}

/// The right to probe the backend. When a probe is cut off, the next waiting call takes over.
pub type Probe = OwnedMutexGuard<()>;

impl Breaker {
    /// Waits until a call may be made. The first call after the pause is the probe: it must
    /// hold the returned guard until its result is [recorded](Self::record).
    ///
    /// # Errors
    /// The error of the last call, while the breaker is open.
    pub async fn admit(&self) -> Result<Option<Probe>, Error> {
        if self.is_closed()? {
            return Ok(None);
        }
        let probe = self.probing.clone().lock_owned().await;
        Ok((!self.is_closed()?).then_some(probe))
    }

    /// Records the result of a call: opens the breaker after a failure, closes it otherwise.
    pub fn record(&self, failure: Option<&Error>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        *open = failure.map(|error| Open {
            until: Instant::now() + PAUSE,
            error: error.clone(),
        });
    }

    /// Returns whether every call may be made.
    ///
    /// # Errors
    /// The error of the last call, while no call may be made.
    fn is_closed(&self) -> Result<bool, Error> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match open.as_ref() {
            Some(open) if Instant::now() < open.until => Err(open.error.clone()),
            open => Ok(open.is_none()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, timeout};

    use super::*;
    use crate::error::Reason;

    async fn open() -> (Breaker, Error) {
        let refused = Error::new(Reason::Unreachable, "refused");
        let breaker = Breaker::default();
        breaker.record(Some(&refused));
        (breaker, refused)
    }

    /// Returns whether a call made now waits for the probe.
    async fn waits(breaker: &Breaker) -> bool {
        let soon = Duration::from_millis(1);
        timeout(soon, breaker.admit()).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn failure_opens_breaker_for_a_while() {
        assert!(Breaker::default().admit().await.unwrap().is_none());
        let (breaker, refused) = open().await;
        advance(PAUSE / 2).await;
        assert_eq!(breaker.admit().await.unwrap_err().message, refused.message);
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_calls_take_the_result_of_the_probe() {
        for failure in [None, Some(open().await.1)] {
            let (breaker, _) = open().await;
            advance(PAUSE).await;
            let probe = breaker.admit().await.unwrap();
            assert!(probe.is_some());
            let (result, ()) = tokio::join!(breaker.admit(), async {
                assert!(waits(&breaker).await);
                breaker.record(failure.as_ref());
                drop(probe);
            });
            match failure {
                None => assert!(result.unwrap().is_none(), "closed again"),
                Some(failure) => assert_eq!(result.unwrap_err().message, failure.message),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn probe_cut_off_leaves_probing_to_the_next_call() {
        let (breaker, _) = open().await;
        advance(PAUSE).await;
        let probe = breaker.admit().await.unwrap();
        assert!(waits(&breaker).await);
        drop(probe);
        assert!(breaker.admit().await.unwrap().is_some());
    }
}
