//! The Kafka plane: ACLs on the resources with a tenant's prefix, and a SCRAM login.

pub mod acl;
pub mod acls;
pub mod diff;
pub mod login;
pub mod model;
pub mod scram;
pub mod settings;
