//! Admission of tenants' requests: limits hold for every kind of client, and requests are
//! handled while the webhook is down or changes hands.

pub mod away;
pub mod burst;
pub mod certificate;
pub mod command_line;
pub mod limits;
pub mod states;
mod tenant;
pub mod ways;
