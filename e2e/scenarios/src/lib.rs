//! Helpers of the scenarios, the demo and the benchmark: the installed platform, pods,
//! and the documents' examples.

#![allow(missing_docs)]

pub mod documents;
pub mod platform;
pub mod pod;
