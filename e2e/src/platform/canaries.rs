//! Every secret is a canary: it is searched for wherever people look.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::{Backend, OPERATOR_PASSWORD, Platform};
use crate::testbed::layout;

/// What people may read: the platform's own resources, events, and how the operator is
/// deployed.
const RESOURCES: [&str; 3] = [
    "tenants,tenantquotas,connections,dataproducts",
    "events",
    "configmaps,deployments,pods",
];

impl Platform {
    /// No secret of these tenants, nor of the operator, is in any resource, status,
    /// event, log or metric, of the operator or of a backend.
    pub fn shows_no_secret(&self, slugs: &[&str]) -> Result<()> {
        let secrets = self.secrets(slugs)?;
        let look = |place: &str, text: &str| {
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
            look(resources, &self.kubectl(&all)?)?;
        }
        look("the operator's log", &self.log()?)?;
        look("/metrics", &self.metrics()?)?;
        for component in Backend::ALL.map(Backend::component) {
            let log = fs::read(layout::log_file(component)).context(component)?;
            look(component, &String::from_utf8_lossy(&log))?;
        }
        Ok(())
    }

    /// Whose they are, and what they are.
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
