//! How soon something is watched again that could not be.

use std::time::Duration;

use kube::runtime::utils::ResetTimerBackoff;
use kube::runtime::watcher::DefaultBackoff;

/// After so long a pause the next one is short again.
const LONG: Duration = Duration::from_secs(3);

/// The pauses between tries. Nothing is heard meanwhile of what is watched, so they grow to a
/// few seconds only, and then begin anew.
pub fn pauses() -> ResetTimerBackoff<DefaultBackoff> {
    ResetTimerBackoff::new(DefaultBackoff::default(), LONG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn however_long_it_fails_no_pause_is_longer_than_a_few_seconds() {
        let pauses = pauses().take(100);
        for pause in pauses {
            assert!(pause < Duration::from_secs(10), "{pause:?}");
            tokio::time::advance(pause).await;
        }
    }
}
