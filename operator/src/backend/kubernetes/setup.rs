//! Builds the Kubernetes plane from the configuration.

use std::sync::Arc;

use akili_core::kubernetes::settings::Settings;

use super::Kubernetes;
use crate::backend::setup::{Member, Setup, plane};

/// Builds the plane.
pub fn build(setup: Setup<'_>) -> Arc<Kubernetes> {
    let settings = Settings {
        service_account: setup.config.service_account.clone(),
        namespace: setup.config.namespace.clone(),
        egress: setup.config.egress.clone(),
    };
    Arc::new(Kubernetes::new(setup.kubernetes.clone(), settings))
}

/// Returns the plane's entry in the list of backends.
pub fn member(kubernetes: &Arc<Kubernetes>) -> Member {
    Member {
        planes: vec![plane(kubernetes.clone())],
        preflight: None,
    }
}
