//! Ceph 16: one monitor, one OSD in a sparse file, and the object gateway with TLS.
//!
//! Inside of it nobody proves who he is: its daemons listen on the node's address,
//! which no other machine reaches, and pods have no business with them.

mod access;
mod admin;
mod configuration;
mod gateway;
mod monitor;
mod osd;

pub use access::ObjectStoreHandle;
pub use admin::{radosgw_admin, remove_users};
pub use gateway::Gateway;
pub use monitor::Monitor;
pub use osd::Osd;
