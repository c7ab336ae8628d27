//! What of tenants' requests is let in: the limits that no request gets past, whichever way
//! it comes, and what becomes of requests while the webhook is away or changes hands.

pub mod away;
pub mod burst;
pub mod certificate;
pub mod command_line;
pub mod limits;
pub mod states;
mod tenant;
pub mod ways;
