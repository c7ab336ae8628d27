//! Kafka: what a tenant may do with topics, consumer groups and transactions below its
//! own prefix, and the login that it comes with.

pub mod native;
