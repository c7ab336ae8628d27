//! The Akili operator: takes each `Tenant` to the state that its spec wants, in
//! every plane of the platform, and keeps it there.

pub mod admission;
pub mod backend;
pub mod chart;
pub mod check;
pub mod clients;
pub mod config;
pub mod counts;
pub mod error;
pub mod health;
pub mod installation;
pub mod leader;
pub mod metrics;
pub mod quota;
pub mod run;
pub mod secret;
pub mod telemetry;
pub mod tenant;
pub mod watch;
