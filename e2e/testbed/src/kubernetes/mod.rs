//! A single-node Kubernetes: the control plane and the node.

mod access;
mod api_server;
mod containerd;
mod control_loops;
mod etcd;
mod kube_proxy;
mod kubelet;

pub use access::{write_kubeconfig, write_token_kubeconfig};
pub use api_server::ApiServer;
pub use containerd::{BUSYBOX_IMAGE, Containerd, import_image, signal_container};
pub use control_loops::{ControllerManager, Scheduler};
pub use etcd::{Etcd, restore as restore_etcd, save as save_etcd};
pub use kube_proxy::{KubeProxy, service_targets};
pub use kubelet::Kubelet;
