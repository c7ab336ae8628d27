//! The resource group plane: limits of a tenant's queries, from its quota.

pub mod diff;
pub mod model;
pub mod size;
