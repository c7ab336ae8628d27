//! Search for leaked secrets: every secret is a canary that must not appear anywhere
//! people read.

use std::fs;

use anyhow::{Result, ensure};

use super::{Backend, OPERATOR_PASSWORD, Platform};
use akili_testbed::layout;

/// Resources that people read: the platform's own kinds, events, and the operator's
/// deployment.
const RESOURCES: [&str; 3] = [
    "tenants,tenantquotas,connections,dataproducts",
    "events",
    "configmaps,deployments,pods",
];

impl Platform {
    /// Checks that no secret of these tenants or of the operator appears in a resource,
    /// status, event, log or metric, of the operator or of a backend.
    pub fn ensure_no_secret_leaks(&self, slugs: &[&str]) -> Result<()> {
        let secrets = self.secrets(slugs)?;
        let search = |place: &str, text: &str| {
            let shown = secrets.iter().find(|(_, secret)| text.contains(secret));
            ensure!(
                shown.is_none(),
                "{place} shows {}",
                shown.map_or("", |(whose, _)| whose)
            );
            Ok(())
        };
        for resources in RESOURCES {
            let all = ["get", resources, "--all-namespaces", "-o", "yaml"];
            search(resources, &self.kubectl(&all)?)?;
        }
        search("the operator's log", &self.log()?)?;
        search("/metrics", &self.metrics()?)?;
        for (component, length) in &self.installed_logs()? {
            let log = fs::read(layout::log_file(component))?;
            let since = log.get(*length..).unwrap_or(&log);
            search(component, &String::from_utf8_lossy(since))?;
        }
        Ok(())
    }

    /// Returns the secrets with their owners.
    fn secrets(&self, slugs: &[&str]) -> Result<Vec<(String, String)>> {
        let testbed = &self.testbed;
        let operators = [
            OPERATOR_PASSWORD,
            &testbed.object_store().secret_key,
            &testbed.kafka().password,
            &testbed.starrocks().password,
        ];
        let operators = operators.map(|secret| ("the operator's".to_owned(), secret.to_owned()));
        let mut secrets = Vec::from(operators);
        for slug in slugs {
            for (secret, entry) in Backend::ALL.map(Backend::credential) {
                let value = self.secret_entry(slug, secret, entry)?;
                secrets.push((format!("{slug}'s {secret}"), value));
            }
        }
        Ok(secrets)
    }
}
