//! Health checks: liveness and readiness.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;

/// Readiness of this replica: false until it could reconcile, and its webhook answers.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Parts>);

#[derive(Debug, Default)]
struct Parts {
    reconciles: AtomicBool,
    answers: AtomicBool,
}

impl Readiness {
    /// Sets whether this replica reconciles tenants, or could take over.
    pub fn reconciles(&self, reconciles: bool) {
        self.0.reconciles.store(reconciles, Ordering::Relaxed);
    }

    /// Sets whether the webhook answers.
    pub fn answers(&self, answers: bool) {
        self.0.answers.store(answers, Ordering::Relaxed);
    }

    fn answer(&self) -> (StatusCode, &'static str) {
        let is = |part: &AtomicBool| part.load(Ordering::Relaxed);
        if is(&self.0.reconciles) && is(&self.0.answers) {
            (StatusCode::OK, "ready\n")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "not ready: see the log\n")
        }
    }
}

/// Routes `/livez` and `/readyz`.
pub fn routes(readiness: Readiness) -> Router {
    Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(move || async move { readiness.answer() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replica_is_ready_once_it_reconciles_and_answers() {
        let readiness = Readiness::default();
        assert_eq!(readiness.answer().0, StatusCode::SERVICE_UNAVAILABLE);
        readiness.reconciles(true);
        assert_eq!(readiness.answer().0, StatusCode::SERVICE_UNAVAILABLE);
        readiness.answers(true);
        assert_eq!(readiness.answer().0, StatusCode::OK);
        readiness.answers(false);
        assert_eq!(readiness.answer().0, StatusCode::SERVICE_UNAVAILABLE);
    }
}
