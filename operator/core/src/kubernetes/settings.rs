//! Settings of the Kubernetes plane.

use schemars::JsonSchema;
use serde::Deserialize;

/// Part of the platform's configuration that applies to tenants' namespaces.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of the operator's own ServiceAccount.
    pub service_account: String,
    /// The operator's own namespace.
    pub namespace: String,
    /// Destinations that tenants' pods may connect to.
    pub egress: Vec<Egress>,
}

/// A range of addresses that tenants' pods may connect to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Egress {
    /// The range, such as 10.1.0.0/16.
    pub cidr: String,
    /// TCP ports.
    pub ports: Vec<u16>,
}
