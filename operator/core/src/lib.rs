//! Pure half of the operator: reasons and errors, what each backend should hold for a
//! tenant, and the outcome of converging it. No clients and no I/O.

#![forbid(unsafe_code)]

mod desired;
mod error;
mod outcome;
mod reason;

pub use desired::{Desired, Effect, Growth, TenantKey};
pub use error::Error;
pub use outcome::{Convergence, Notice, Outcome, Shortfall};
pub use reason::{Class, Reason, StatusReason, conditions_md};
