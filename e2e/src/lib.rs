//! What the end-to-end tests stand on.
//!
//! [`testbed`] brings up a real single-node Kubernetes and the real backends on
//! this machine, and hands out clients for them.

pub mod chart;
pub mod command;
pub mod documents;
pub mod operator_image;
pub mod platform;
pub mod pod;
mod starrocks_stand_in;
pub mod testbed;
