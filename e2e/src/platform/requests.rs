//! What the operator asked the API server, out of its audit log.

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Platform;
use crate::testbed::layout;

const OPERATOR: &str = "system:serviceaccount:akili-system:akili-operator";

/// A request to the API server.
#[derive(Debug)]
pub struct Request {
    /// Such as `get` or `patch`.
    pub verb: String,
    /// Such as `rolebindings`.
    pub resource: String,
    /// Empty if the object is in none.
    pub namespace: String,
}

impl Platform {
    /// Where the API server's audit log ends now.
    pub fn audit_mark(&self) -> Result<usize> {
        Ok(fs::read_to_string(layout::audit_log())?.len())
    }

    /// What the operator asked the API server since then.
    pub fn operators_requests_since(&self, mark: usize) -> Result<Vec<Request>> {
        let log = fs::read_to_string(layout::audit_log())?;
        let mut requests = Vec::new();
        for line in log[mark..].lines() {
            let event: Value = serde_json::from_str(line).context("the audit log isn't JSON")?;
            if event["user"]["username"] == OPERATOR {
                let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                requests.push(Request {
                    verb: word(&event["verb"]),
                    resource: word(&event["objectRef"]["resource"]),
                    namespace: word(&event["objectRef"]["namespace"]),
                });
            }
        }
        Ok(requests)
    }
}
