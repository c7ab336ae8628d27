//! The mark in the environment of every process that the testbed starts.

/// Variable that holds the mark: a component's name, or [`SETUP`].
pub const MARK: &str = "AKILI_TESTBED_COMPONENT";

/// Mark of commands that end by themselves.
pub const SETUP: &str = "setup";
