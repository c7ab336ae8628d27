//! The Akili operator: takes each `Tenant` to the state that its spec wants, in
//! every plane of the platform, and keeps it there.
#![forbid(unsafe_code)]
#![allow(missing_docs)]

pub mod admission;
pub mod backend;
pub mod backoff;
pub mod chart;
pub mod check;
pub mod clients;
pub mod config;
pub mod error;
pub mod events;
pub mod health;
pub mod leader;
pub mod metrics;
pub mod object_counts;
pub mod password;
pub mod run;
pub mod telemetry;
pub mod tenant;
pub mod usage;
