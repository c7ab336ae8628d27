//! StarRocks: two planes that share one way in.
//!
//! - [`catalog`]: the tenant's Iceberg catalog, and the role and user that may use it.
//! - [`resource_group`]: what the tenant's queries may use.
//! - [`usage`]: what queries use at the moment.
//! - [`client`]: the connections; [`sql`]: statements as text, pure.
//! - [`binding`]: what tenants are told of it.
//! - [`preflight`]: whether the cluster is fit for all this.

pub mod binding;
pub mod catalog;
pub mod client;
pub mod error;
pub mod preflight;
pub mod resource_group;
pub mod sql;
pub mod usage;

pub use catalog::Catalog;
pub use resource_group::ResourceGroup;
