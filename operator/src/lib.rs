//! The Akili operator.
