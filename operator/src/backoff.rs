//! Watches and periodic work: retry intervals, jitter, and objects that may be malformed.

use std::time::Duration;

use kube::core::DeserializeGuard;
use kube::runtime::utils::ResetTimerBackoff;
use kube::runtime::watcher::DefaultBackoff;
use rand::RngExt;

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

/// Adds or removes up to a tenth, so that tenants are spread over time.
pub fn jittered(duration: Duration) -> Duration {
    duration.mul_f64(rand::rng().random_range(0.9..1.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn watch_backoff_stays_below_ten_seconds() {
        let intervals = watch_backoff().take(100);
        for interval in intervals {
            assert!(interval < Duration::from_secs(10), "{interval:?}");
            tokio::time::advance(interval).await;
        }
    }
}
