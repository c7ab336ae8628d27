//! The commands: a folder for each noun, a file for each verb.

pub mod connection;
mod gitops;
pub mod product;
pub mod quota;
pub mod tenant;

/// The field manager of what people change with `akili`.
pub const FIELD_MANAGER: &str = "akili";
