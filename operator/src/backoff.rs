//! Watches and periodic work: retry intervals, jitter, and objects that may be malformed.

use std::time::Duration;

use kube::core::DeserializeGuard;
use kube::runtime::utils::ResetTimerBackoff;
use kube::runtime::watcher::DefaultBackoff;
use rand::RngExt;

use crate::error::{Class, Error};

/// After an interval of this length the next one is short again.
const RESET_AFTER: Duration = Duration::from_secs(3);

/// An object, or the error of deserializing it: a malformed object must not end the watch of all
/// others.
pub type Readable<K> = DeserializeGuard<K>;

/// Returns the intervals between attempts to restart a watch. A watch that is down sees no
/// change, so the intervals grow to a few seconds only and then start again.
pub fn watch_backoff() -> ResetTimerBackoff<DefaultBackoff> {
    ResetTimerBackoff::new(DefaultBackoff::default(), RESET_AFTER)
}

/// Retries while the API server doesn't answer. A process that ended instead would be restarted with
/// growing delays, also once the API server is back.
///
/// # Errors
/// Every error whose class isn't transient.
pub async fn once_reachable<T>(ask: impl AsyncFn() -> Result<T, Error>) -> Result<T, Error> {
    let mut intervals = watch_backoff();
    loop {
        match ask().await {
            Err(error) if error.class() == Class::Transient => {
                tracing::warn!(%error, "failed to start; retrying");
                let interval = intervals.next().unwrap_or(RESET_AFTER);
                tokio::time::sleep(interval).await;
            }
            answer => return answer,
        }
    }
}

/// Adds or removes up to a tenth, so that tenants are spread over time.
pub fn jittered(duration: Duration) -> Duration {
    duration.mul_f64(rand::rng().random_range(0.9..1.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Reason;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test(start_paused = true)]
    async fn watch_backoff_stays_below_ten_seconds() {
        let intervals = watch_backoff().take(100);
        for interval in intervals {
            assert!(interval < Duration::from_secs(10), "{interval:?}");
            tokio::time::advance(interval).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn once_reachable_retries_transient_errors_only() {
        for (errors, expected, case) in [
            (vec![], Ok(0), "answers at once"),
            (
                vec![Reason::ApiServerUnreachable, Reason::ApiServerBusy],
                Ok(2),
                "away for a while",
            ),
            (vec![Reason::Forbidden], Err(Reason::Forbidden), "no rights"),
        ] {
            let asked = AtomicUsize::new(0);
            let answer = once_reachable(async || {
                let number = asked.fetch_add(1, Ordering::Relaxed);
                match errors.get(number) {
                    Some(reason) => Err(Error::new(*reason, "no answer")),
                    None => Ok(number),
                }
            });
            let answer = answer.await.map_err(|error| error.reason);
            assert_eq!(answer, expected, "{case}");
        }
    }
}
