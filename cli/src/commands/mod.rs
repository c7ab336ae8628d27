//! The commands: a folder for each noun, a file for each verb.

mod gitops;
pub mod quota;
pub mod tenant;

/// The field manager of what people change with `akili`.
const FIELD_MANAGER: &str = "akili";
