//! The PostgreSQL plane: shared tables under row-level security, one login role per tenant.

pub mod coverage;
pub mod diff;
pub mod model;
