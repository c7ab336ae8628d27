//! What the operator is told about its admission webhook.

use schemars::JsonSchema;
use serde::Deserialize;

/// The admission webhook.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Webhook {
    /// Where the API server finds it, such as 0.0.0.0:9443.
    #[serde(default = "default_address")]
    pub address: String,
    /// Whether cert-manager makes its certificate, and not the operator.
    #[serde(default)]
    pub cert_manager: bool,
}

fn default_address() -> String {
    "0.0.0.0:9443".to_owned()
}

impl Default for Webhook {
    fn default() -> Self {
        Self {
            address: default_address(),
            cert_manager: false,
        }
    }
}
