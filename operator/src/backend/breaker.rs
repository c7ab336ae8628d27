//! Keeps a backend that doesn't answer from being asked by every tenant: one asks,
//! the others wait for what it hears.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tokio::time::Instant;

use crate::error::Error;

/// How long nobody asks after a failure.
const PAUSE: Duration = Duration::from_secs(3);

/// Closed while the backend answers.
#[derive(Debug, Default)]
pub struct Breaker {
    open: Mutex<Option<Open>>,
    asking: Arc<AsyncMutex<()>>,
}

#[derive(Debug)]
struct Open {
    until: Instant,
    error: Error,
}

/// The right to ask for all who wait; whoever is cut off leaves it to the next.
pub type AsksForAll = OwnedMutexGuard<()>;

impl Breaker {
    /// Whether the backend may be asked. The first who may after a failure asks for
    /// all, and must hold what is returned until the answer is [noted](Self::note).
    ///
    /// # Errors
    /// What the last one who asked heard.
    pub async fn admit(&self) -> Result<Option<AsksForAll>, Error> {
        if self.is_closed()? {
            return Ok(None);
        }
        let asks = self.asking.clone().lock_owned().await;
        Ok((!self.is_closed()?).then_some(asks))
    }

    /// Notes what became of asking.
    pub fn note(&self, failure: Option<&Error>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        *open = failure.map(|error| Open {
            until: Instant::now() + PAUSE,
            error: error.clone(),
        });
    }

    /// Whether everybody may ask; an error while nobody may.
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
        breaker.note(Some(&refused));
        (breaker, refused)
    }

    /// Whether one who comes now has to wait for another's answer.
    async fn waits(breaker: &Breaker) -> bool {
        let soon = Duration::from_millis(1);
        timeout(soon, breaker.admit()).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_asks_for_a_while_after_a_failure() {
        assert!(Breaker::default().admit().await.unwrap().is_none());
        let (breaker, refused) = open().await;
        advance(PAUSE / 2).await;
        assert_eq!(breaker.admit().await.unwrap_err().message, refused.message);
    }

    #[tokio::test(start_paused = true)]
    async fn then_one_asks_and_the_others_hear_the_same() {
        for failure in [None, Some(open().await.1)] {
            let (breaker, _) = open().await;
            advance(PAUSE).await;
            let asks = breaker.admit().await.unwrap();
            assert!(asks.is_some());
            let (heard, ()) = tokio::join!(breaker.admit(), async {
                assert!(waits(&breaker).await);
                breaker.note(failure.as_ref());
                drop(asks);
            });
            match failure {
                None => assert!(heard.unwrap().is_none(), "closed again"),
                Some(failure) => assert_eq!(heard.unwrap_err().message, failure.message),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_is_cut_off_while_asking_leaves_it_to_the_next() {
        let (breaker, _) = open().await;
        advance(PAUSE).await;
        let asks = breaker.admit().await.unwrap();
        assert!(waits(&breaker).await);
        drop(asks);
        assert!(breaker.admit().await.unwrap().is_some());
    }
}
