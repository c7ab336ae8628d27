//! A real single-node Kubernetes and real backends, on this machine.
//!
//! [`up`] installs, builds and starts what is missing, [`down`] stops and removes it, and
//! [`Testbed::connect`] is the tests' way in. There is one testbed per machine, see
//! [`layout`].

#![allow(missing_docs)]

mod ceph;
pub mod chart;
pub mod command;
mod component;
mod connect;
mod files;
mod health;
mod image;
mod issuer;
mod kafka;
mod kernel;
mod kubernetes;
pub mod layout;
mod leftovers;
mod lifecycle;
mod lock;
mod marks;
pub mod operator_image;
mod packages;
mod pki;
mod postgres;
mod process;
mod progress;
mod secret;
mod setup_command;
mod silence;
mod starrocks;
mod state;
mod tools;

pub use ceph::ObjectStoreHandle;
pub use connect::Testbed;
pub use image::{Image, ImageFile, USER as IMAGE_USER, digest};
pub use issuer::serve as serve_issuer;
pub use kafka::KafkaHandle;
pub use lifecycle::{down, environment, status, up};
pub use postgres::PostgresHandle;
pub use starrocks::{StarRocksHandle, serve as serve_starrocks_stand_in};
pub use tools::tool;

use component::Component;

/// All components. Each is started as soon as the ones it needs are ready, and stopped
/// before those above it in the list.
fn components() -> Vec<Box<dyn Component>> {
    vec![
        Box::new(issuer::Issuer),
        Box::new(postgres::Postgres),
        Box::new(ceph::Monitor),
        Box::new(ceph::Osd),
        Box::new(ceph::Gateway),
        Box::new(kafka::Kafka),
        Box::new(kubernetes::Etcd),
        Box::new(kubernetes::ApiServer),
        Box::new(kubernetes::ControllerManager),
        Box::new(kubernetes::Scheduler),
        Box::new(kubernetes::Containerd),
        Box::new(kubernetes::Kubelet),
        Box::new(kubernetes::KubeProxy),
        Box::new(starrocks::StandIn),
    ]
}

/// The components that run: all, or all but the stand-in if a real StarRocks is
/// configured.
fn wanted_components() -> Vec<Box<dyn Component>> {
    let mut wanted = components();
    if starrocks::is_external() {
        wanted.retain(|component| component.name() != starrocks::StandIn.name());
    }
    wanted
}
