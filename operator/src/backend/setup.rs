//! Input for building a backend, and the parts of a backend that the operator uses.

use std::sync::Arc;

use kube::Client;

use super::driver::Driver;
use super::preflight::Preflight;
use super::{Backend, Plane};
use crate::config::Config;
use crate::metrics::Metrics;

/// Input for building any backend.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    pub config: &'a Config,
    /// The API server, which holds the tenants' credentials.
    pub kubernetes: &'a Client,
    pub metrics: &'a Metrics,
}

/// A backend as the rest of the operator uses it.
pub struct Member {
    /// One plane for each condition of a Tenant, in the order of the conditions.
    pub planes: Vec<Arc<dyn Plane>>,
    /// Checks for `akili-operator check`; the API server has none.
    pub preflight: Option<Arc<dyn Preflight>>,
}

/// Returns the plane of a backend.
pub fn plane<B: Backend + 'static>(backend: Arc<B>) -> Arc<dyn Plane> {
    Arc::new(Driver::new(backend))
}
