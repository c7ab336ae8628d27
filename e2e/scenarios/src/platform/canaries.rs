//! Every secret is a canary: it is searched for wherever people look.

use std::collections::BTreeMap;
use std::fs;
use std::sync::PoisonError;

use anyhow::{Context, Result, ensure};

use super::installation::INSTALLED;
use super::{Backend, OPERATOR_PASSWORD, Platform};
use akili_testbed::layout;

/// What people may read: the platform's own resources, events, and how the operator is
/// deployed.
const RESOURCES: [&str; 3] = [
    "tenants,tenantquotas,connections,dataproducts",
    "events",
    "configmaps,deployments,pods",
];

/// Bytes, by component.
pub type LogLengths = BTreeMap<&'static str, usize>;

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
        let before = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
        let before = before.clone().context("nothing is installed")?;
        for (component, length) in &before {
            let log = fs::read(layout::log_file(component))?;
            let since = log.get(*length..).unwrap_or(&log);
            look(component, &String::from_utf8_lossy(since))?;
        }
        Ok(())
    }

    /// How long the logs of the backends on the testbed are.
    pub(super) fn log_lengths(&self) -> Result<LogLengths> {
        let components = Backend::ALL.map(Backend::component).into_iter();
        let here = components.filter(|component| self.testbed.has(component));
        here.map(|it| Ok((it, fs::metadata(layout::log_file(it))?.len().try_into()?)))
            .collect()
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
