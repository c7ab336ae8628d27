//! `webhook`: the admission webhook.

use schemars::JsonSchema;
use serde::Deserialize;

/// Admission webhook.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Webhook {
    /// Address that the webhook listens on, such as 0.0.0.0:9443.
    #[serde(default = "default_address")]
    pub address: String,
    /// True if cert-manager issues the certificate; otherwise the operator creates it.
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
