//! The operator's log, on standard error: readable lines on a terminal, one JSON object a line
//! everywhere else.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

/// The filter if `RUST_LOG` is unset. PostgreSQL's notices, at level info, only say that an object
/// already exists.
const FILTER: &str = "info,sqlx=warn";

/// Starts logging. Must be called only once.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| FILTER.into());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr);
    if stderr().is_terminal() {
        log.compact().init();
    } else {
        log.json().flatten_event(true).init();
    }
}
