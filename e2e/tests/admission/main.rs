//! What of tenants' requests is let in: the limits that no request gets past, whichever way
//! it comes, and what becomes of requests while the webhook is away or changes hands.

mod away;
mod burst;
mod certificate;
mod command_line;
mod limits;
mod states;
mod tenant;
mod ways;
