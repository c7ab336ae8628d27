//! The StarRocks planes: a tenant's catalog, and the resource group of its queries.

pub mod catalog;
pub mod model;
pub mod resource_group;
pub mod sql;
