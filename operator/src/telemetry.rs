//! Where the operator's log goes: to standard error, readable on a terminal and a
//! line of JSON an event everywhere else.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

/// What is logged unless `RUST_LOG` says otherwise: PostgreSQL's notices say only that
/// what is there is there.
const FILTER: &str = "info,sqlx=warn";

/// Begins to log. To be called once.
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
