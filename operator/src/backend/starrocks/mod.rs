//! StarRocks' planes: an Iceberg catalog with a role and a user, and a resource group.
//!
//! - [`catalog`]: the catalog, who may use it, and what for.
//! - [`resource_group`]: the tenant's share of StarRocks' CPU and memory.
//! - [`binding`]: what tenants are told of it.
//! - [`preflight`]: whether StarRocks is fit for all this.
//! - [`client`]: the connections; [`sql`]: how names and texts are written.

pub mod binding;
pub mod catalog;
pub mod client;
pub mod error;
pub mod preflight;
pub mod resource_group;
pub mod sql;
