//! The object-store plane: one shared bucket, one user and one prefix per tenant.

pub mod diff;
pub mod model;
pub mod policy;
pub mod user;
