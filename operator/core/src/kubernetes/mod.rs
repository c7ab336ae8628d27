//! The Kubernetes plane: a tenant's namespace, the objects in it, and its cluster role.

pub mod diff;
pub mod model;
pub mod objects;
pub mod settings;
