//! The commands: a folder for each noun, a file for each verb.

pub mod connection;
pub mod product;
pub mod quota;
pub mod tenant;

/// Who the API server is told has set a field.
pub const FIELD_MANAGER: &str = "akili";
