//! `akili-operator check`: tries what is configured, and says what is wrong.

use kube::Client;

use crate::backend::postgres::client;
use crate::backend::postgres::coverage::Coverage;
use crate::backend::postgres::preflight::Check;
use crate::installation::{self, foreign, kube_system_uid};

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

/// Looks at the API server and the database.
pub async fn lines(
    kubernetes: &Client,
    postgres: &client::Client,
    tenant_schemas: &[String],
) -> Vec<Line> {
    let cluster = kube_system_uid(kubernetes).await;
    let unreachable = cluster.as_ref().err().map(ToString::to_string);
    let mut lines = vec![line("Kubernetes API server", unreachable, false)];
    let preflight = postgres.preflight().await;
    let unreachable = preflight.as_ref().err().map(ToString::to_string);
    lines.push(line("PostgreSQL connection", unreachable, false));
    for Check {
        what,
        problem,
        tolerable,
    } in preflight.unwrap_or_default()
    {
        lines.push(line(what, problem, tolerable));
    }
    // Before the first operator has come there are no tables to ask.
    if let (Ok(cluster), Ok(Some(owner))) = (cluster, installation::owner(postgres).await) {
        let other = (owner != cluster).then(|| foreign(owner).message);
        lines.push(line("PostgreSQL installation", other, false));
    }
    if let Ok(findings) = postgres.coverage(tenant_schemas).await {
        let coverage = Coverage::of(findings);
        let gaps = (!coverage.gaps.is_empty()).then(|| coverage.summary());
        lines.push(line("PostgreSQL tenants' tables", gaps, false));
    }
    lines
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
