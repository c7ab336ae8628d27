//! Kafka 4 in KRaft mode: one process that is broker and controller. Clients come with
//! TLS and SCRAM, and may do what its ACLs say.

mod access;
mod broker;
mod configuration;

pub use access::KafkaHandle;
pub use broker::Kafka;
