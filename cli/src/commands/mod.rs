//! Commands: a folder for each noun, a file for each verb.

pub mod connection;
mod create;
mod gitops;
pub mod product;
pub mod quota;
pub mod tenant;

/// Field manager of changes made with `akili`.
pub const FIELD_MANAGER: &str = "akili";
