//! The catalog plane: a tenant's Iceberg catalog, with a role and a user that may use only
//! this catalog.

pub mod diff;
pub mod grants;
pub mod model;
pub mod properties;
