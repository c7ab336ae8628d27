//! What the kubelet asks: whether the process lives, and whether it is of use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;

/// Whether this replica is of use: false until it was able to work, and answers what the
/// API server asks.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Uses>);

#[derive(Debug, Default)]
struct Uses {
    works: AtomicBool,
    answers: AtomicBool,
}

impl Readiness {
    /// Says whether it works on tenants, or could.
    pub fn works(&self, works: bool) {
        self.0.works.store(works, Ordering::Relaxed);
    }

    /// Says whether it answers what the API server asks of tenants' requests.
    pub fn answers(&self, answers: bool) {
        self.0.answers.store(answers, Ordering::Relaxed);
    }

    fn answer(&self) -> (StatusCode, &'static str) {
        let is = |use_: &AtomicBool| use_.load(Ordering::Relaxed);
        if is(&self.0.works) && is(&self.0.answers) {
            (StatusCode::OK, "ready\n")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "not ready: see the log\n")
        }
    }
}

/// `/livez` and `/readyz`.
pub fn routes(readiness: Readiness) -> Router {
    Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(move || async move { readiness.answer() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_is_ready_once_it_works_and_answers() {
        let readiness = Readiness::default();
        assert_eq!(readiness.answer().0, StatusCode::SERVICE_UNAVAILABLE);
        readiness.works(true);
        assert_eq!(readiness.answer().0, StatusCode::SERVICE_UNAVAILABLE);
        readiness.answers(true);
        assert_eq!(readiness.answer().0, StatusCode::OK);
        readiness.answers(false);
        assert_eq!(readiness.answer().0, StatusCode::SERVICE_UNAVAILABLE);
    }
}
