//! Types that the client and both planes share. Pure.

/// Catalog of StarRocks' own tables.
pub const INTERNAL_CATALOG: &str = "default_catalog";

/// Outcome of a login attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// Rejected: the password is wrong.
    Rejected,
    /// Accepted, with these active roles.
    Accepted(Vec<String>),
    /// Failed for a reason that says nothing about the password, such as too many
    /// connections.
    Unknown,
}
