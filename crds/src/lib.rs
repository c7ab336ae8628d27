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

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;

/// Returns the definitions of all four kinds, in the order in which they are documented.
pub fn definitions() -> [CustomResourceDefinition; 4] {
    let mut definitions = [
        Tenant::crd(),
        TenantQuota::crd(),
        Connection::crd(),
        DataProduct::crd(),
    ];
    for version in definitions.iter_mut().flat_map(|it| &mut it.spec.versions) {
        let schema = version.schema.as_mut();
        if let Some(schema) = schema.and_then(|it| it.open_api_v3_schema.as_mut()) {
            join_lines(schema);
        }
    }
    definitions
}

/// Joins the lines of each paragraph of the descriptions: `kubectl explain` wraps them itself.
fn join_lines(schema: &mut JSONSchemaProps) {
    if let Some(description) = &mut schema.description {
        let paragraphs = description.split("\n\n");
        let paragraphs: Vec<String> = paragraphs.map(|it| it.replace('\n', " ")).collect();
        *description = paragraphs.join("\n\n");
    }
    for field in schema.properties.iter_mut().flat_map(|it| it.values_mut()) {
        join_lines(field);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(item)) = &mut schema.items {
        join_lines(item);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(value)) = &mut schema.additional_properties {
        join_lines(value);
    }
}
