//! The custom resources of Akili (`akili.io/v1alpha1`) and every rule about them
//! that needs no other facts: no client, no I/O.
#![forbid(unsafe_code)]

pub mod admission;
pub mod condition;
pub mod connection;
pub mod data_product;
pub mod lifecycle;
pub mod names;
pub mod problem;
pub mod quantity;
pub mod quota;
pub mod tenant;
pub mod tenant_quota;

pub use connection::{Connection, ConnectionSpec, ConnectionStatus};
pub use data_product::{DataProduct, DataProductSpec, DataProductStatus};
pub use names::{Slug, TenantId};
pub use problem::{Problem, ProblemType};
pub use tenant::{Phase, State, Tenant, TenantSpec, TenantStatus};
pub use tenant_quota::{TenantQuota, TenantQuotaSpec, TenantQuotaStatus};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

/// The definitions of all four kinds, in the order in which they are documented.
pub fn definitions() -> [CustomResourceDefinition; 4] {
    [
        Tenant::crd(),
        TenantQuota::crd(),
        Connection::crd(),
        DataProduct::crd(),
    ]
}
