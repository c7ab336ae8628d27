//! Pure half of the operator: reasons and errors, what each backend should hold for a
//! tenant, and the outcome of converging it. No clients and no I/O.

#![forbid(unsafe_code)]

mod credential;
mod desired;
mod error;
#[cfg(any(test, feature = "fixtures"))]
pub mod fixtures;
pub mod humantime_string;
pub mod kafka;
pub mod kubernetes;
pub mod object_store;
mod outcome;
mod password;
pub mod postgres;
mod reason;
pub mod starrocks;

pub use credential::Credential;
pub use desired::{Desired, Effect, Growth, TenantKey};
pub use error::Error;
pub use outcome::{Convergence, Notice, Outcome, Shortfall};
pub use password::Password;
pub use reason::{Class, Reason, StatusReason, conditions_md};
