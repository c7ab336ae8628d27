//! Ceph 16: one monitor, one OSD in a sparse file, and the object gateway with TLS.
//!
//! Ceph's daemons don't authenticate each other: they listen on the node's address, which
//! no other machine reaches and no pod has a reason to use.

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
