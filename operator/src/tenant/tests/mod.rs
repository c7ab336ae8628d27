//! Tests of the Tenant controller against an API server, a registry and backends in memory.

mod events;
mod faults;
pub mod harness;
mod lifecycle;
mod reconcile;
