//! Kafka 4 in KRaft mode: one process that is broker and controller. Clients connect with
//! TLS and SCRAM, and its ACLs limit them.

mod access;
mod broker;
mod configuration;

pub use access::KafkaHandle;
pub use broker::Kafka;
