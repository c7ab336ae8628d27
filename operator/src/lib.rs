//! The Akili operator: reconciles each `Tenant` with every backend of the platform.
#![forbid(unsafe_code)]
#![allow(missing_docs)]

pub mod backend;
pub mod chart;
pub mod check;
pub mod config;
pub mod run;
pub mod telemetry;

pub(crate) mod admission;
pub(crate) mod backoff;
pub(crate) mod error;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod leader;
pub(crate) mod metrics;
pub(crate) mod object_counts;
pub(crate) mod password;
pub(crate) mod tenant;
pub(crate) mod usage;
