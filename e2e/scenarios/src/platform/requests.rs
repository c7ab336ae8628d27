//! The operator's requests to the API server, from its audit log, and to the backends,
//! from the operator's metrics.

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Platform;
use akili_testbed::layout;

const OPERATOR: &str = "system:serviceaccount:akili-system:akili-operator";

const POD: &str = "authentication.kubernetes.io/pod-name";

#[derive(Debug)]
pub struct Request {
    /// Such as `get` or `patch`.
    pub verb: String,
    /// Such as `rolebindings`.
    pub resource: String,
    /// Empty for cluster-scoped objects.
    pub namespace: String,
    /// Pod of the operator that sent the request.
    pub pod: String,
}

impl Platform {
    /// Returns the current length of the API server's audit log.
    pub fn audit_mark(&self) -> Result<usize> {
        Ok(fs::read_to_string(layout::audit_log())?.len())
    }

    /// Returns the operator's requests to the API server since a mark.
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
                    pod: word(&event["user"]["extra"][POD][0]),
                });
            }
        }
        Ok(requests)
    }

    /// Returns the leader's number of calls of a backend, by the backend's metrics label.
    pub fn backend_calls(&self, backend: &str) -> Result<u64> {
        let metric = format!("akili_backend_calls_total{{backend=\"{backend}\"");
        let metrics = self.metrics()?;
        let counts = metrics.lines().filter(|line| line.starts_with(&metric));
        let counts = counts.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
        Ok(counts.sum())
    }

    /// Returns the resident memory of all operator processes in bytes.
    pub fn operators_memory(&self) -> Result<u64> {
        let mut bytes = 0;
        for process in fs::read_dir("/proc")? {
            // Entries that aren't processes, or have just ended, have no such file.
            let file = process?.path().join("status");
            let status = fs::read_to_string(file).unwrap_or_default();
            let field = |name: &str| {
                let line = status.lines().find_map(|line| line.strip_prefix(name));
                line.map(str::trim).unwrap_or_default().to_owned()
            };
            if field("Name:") == "akili-operator" {
                let kilobytes = field("VmRSS:");
                let kilobytes = kilobytes.trim_end_matches(" kB").parse::<u64>();
                bytes += 1024 * kilobytes.context("/proc has no memory size")?;
            }
        }
        Ok(bytes)
    }
}
