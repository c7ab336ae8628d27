//! The platform that scenarios, the demo and the benchmark run on, and what they read.

pub mod documents;
pub mod platform;
pub mod pod;
