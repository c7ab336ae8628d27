//! Keeps a backend that doesn't answer from being asked by every tenant: one asks,
//! the others are told at once what it heard.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Error;

/// How long nobody asks after a failure.
const PAUSE: Duration = Duration::from_secs(3);

/// Closed while the backend answers.
#[derive(Debug, Default)]
pub struct Breaker(Mutex<Option<Open>>);

#[derive(Debug)]
struct Open {
    until: Instant,
    error: Error,
}

impl Breaker {
    /// Whether the backend may be asked. The first who may after a failure asks for
    /// all: nobody else may for `patience`, the longest that an answer takes.
    ///
    /// # Errors
    /// What the last one who asked heard.
    pub fn admit(&self, patience: Duration, now: Instant) -> Result<(), Error> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match open.as_mut() {
            Some(open) if now < open.until => Err(open.error.clone()),
            Some(open) => {
                open.until = now + patience;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Notes what became of asking.
    pub fn note(&self, failure: Option<&Error>, now: Instant) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *open = failure.map(|error| Open {
            until: now + PAUSE,
            error: error.clone(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Class;

    const PATIENCE: Duration = Duration::from_secs(5);

    #[test]
    fn after_a_failure_one_asks_for_all_until_there_is_an_answer() {
        let (breaker, began) = (Breaker::default(), Instant::now());
        let at = |seconds| began + Duration::from_secs(seconds);
        let may_ask = |seconds| breaker.admit(PATIENCE, at(seconds)).is_ok();
        assert!(may_ask(0) && may_ask(0), "closed, everybody may ask");

        let refused = Error::new(Class::Transient, "Unreachable", "refused");
        breaker.note(Some(&refused), at(0));
        assert!(!may_ask(2), "nobody asks in the pause");
        assert_eq!(
            breaker.admit(PATIENCE, at(2)).unwrap_err().message,
            "refused"
        );
        assert!(may_ask(3), "then one does");
        assert!(!may_ask(3), "and no other while it waits");
        assert!(may_ask(8), "unless it never came back");

        breaker.note(None, at(9));
        assert!(may_ask(9) && may_ask(9), "closed again");
    }
}
