//! `akili-operator check`: tries what is configured, and says what is wrong.

use akili_core::postgres::coverage::Coverage;
use futures::future::join_all;
use kube::Client;

use crate::backend::preflight::{Check, Preflight};
use crate::clients::Clients;
use crate::tenant::registry::owner::{self, foreign, kube_system_uid};

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What was looked at, such as `PostgreSQL version`.
    pub what: String,
    /// `OK`, `WARN` or `FAIL`.
    pub result: &'static str,
    /// What is wrong and what to do; empty if nothing is.
    pub advice: String,
}

/// Looks at the API server and at every backend.
pub async fn lines(kubernetes: &Client, clients: &Clients, tenant_schemas: &[String]) -> Vec<Line> {
    let cluster = kube_system_uid(kubernetes).await;
    let unreachable = cluster.as_ref().err().map(ToString::to_string);
    let mut lines = vec![line("Kubernetes API server", unreachable, false)];
    let looks = clients.all().map(backend_lines);
    let mut backends = join_all(looks).await.into_iter();
    lines.extend(backends.next().unwrap_or_default());
    let database = &clients.database;
    // Before the first operator has come there are no tables to ask.
    if let (Ok(cluster), Ok(Some(owner))) = (cluster, owner::owner(database).await) {
        let other = (owner != cluster).then(|| foreign(owner).message);
        lines.push(line("PostgreSQL installation", other, false));
    }
    if let Ok(findings) = database.coverage(tenant_schemas).await {
        let coverage = Coverage::from_findings(findings);
        let gaps = (!coverage.gaps.is_empty()).then(|| coverage.summary());
        lines.push(line("PostgreSQL tenants' tables", gaps, false));
    }
    lines.extend(backends.flatten());
    lines
}

async fn backend_lines(backend: &dyn Preflight) -> Vec<Line> {
    let preflight = backend.preflight().await;
    let unreachable = preflight.as_ref().err().map(ToString::to_string);
    let connection = line(backend.connection(), unreachable, false);
    let checks = preflight.unwrap_or_default().into_iter();
    let checks = checks.map(
        |Check {
             what,
             problem,
             tolerable,
         }| line(what, problem, tolerable),
    );
    std::iter::once(connection).chain(checks).collect()
}

fn line(what: &str, problem: Option<String>, tolerable: bool) -> Line {
    let result = match (&problem, tolerable) {
        (None, _) => "OK",
        (Some(_), true) => "WARN",
        (Some(_), false) => "FAIL",
    };
    Line {
        what: what.to_owned(),
        result,
        advice: problem.unwrap_or_default(),
    }
}

/// The table that people read.
pub fn table(lines: &[Line]) -> String {
    let width = lines
        .iter()
        .map(|line| line.what.len())
        .max()
        .unwrap_or_default();
    let row = |line: &Line| {
        format!("{:4}  {:width$}  {}", line.result, line.what, line.advice)
            .trim_end()
            .to_owned()
    };
    lines.iter().map(row).collect::<Vec<_>>().join("\n")
}

/// Whether the operator can work.
pub fn passed(lines: &[Line]) -> bool {
    lines.iter().all(|line| line.result != "FAIL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_shown_and_does_not_fail() {
        let lines = [
            line("A: reachable", None, false),
            line("B", Some("do this".into()), true),
        ];
        assert_eq!(
            table(&lines),
            "OK    A: reachable\nWARN  B             do this"
        );
        assert!(passed(&lines));
        assert!(!passed(&[line("B", Some("do this".into()), false)]));
    }
}
