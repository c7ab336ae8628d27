//! StarRocks: two planes with a shared client.
//!
//! - [`catalog`]: a tenant's Iceberg catalog, with the role and the user for it.
//! - [`resource_group`]: limits of a tenant's queries.
//! - [`akili_core::starrocks`], pure: observed state, steps, privileges, limits and SQL text.
//! - [`client`]: connections to the frontend.
//! - [`usage`]: current CPU and memory use of queries.
//! - [`preflight`]: checks of the cluster for `akili-operator check`.
//! - [`service_binding`]: layout of the tenant's Secret.
//! - [`setup`]: builds both planes from the configuration.

pub mod catalog;
pub mod client;
pub mod error;
pub mod preflight;
pub mod resource_group;
pub mod service_binding;
pub mod setup;
pub mod usage;

pub use catalog::Catalog;
pub use resource_group::ResourceGroup;
