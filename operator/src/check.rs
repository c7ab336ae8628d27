//! `akili-operator check`: checks the configured backends and reports each problem.

use akili_core::postgres::coverage::Coverage;
use anyhow::Context as _;
use futures::future::join_all;
use kube::Client;

use crate::backend::preflight::{Check, Preflight};
use crate::backend::registry::Backends;
use crate::backend::setup::Setup;
use crate::config::Config;
use crate::metrics::Metrics;
use crate::tenant::registry::owner::{self, foreign, kube_system_uid};

/// Prints what was checked. With `take_over`, first makes this cluster the owner of the registry.
///
/// # Errors
/// The API server or a file can't be read; a check has failed.
pub async fn run(config: &Config, take_over: bool) -> anyhow::Result<()> {
    let kubernetes = Client::try_default()
        .await
        .context("failed to connect to the API server")?;
    let backends = Backends::build(Setup {
        config,
        kubernetes: &kubernetes,
        metrics: &Metrics::default(),
    })?;
    if take_over {
        let database = backends.postgres.client();
        owner::take_over(database, kube_system_uid(&kubernetes).await?).await?;
    }
    let lines = lines(&kubernetes, &backends, &config.postgres.tenant_schemas).await;
    println!("{}", table(&lines));
    anyhow::ensure!(
        passed(&lines),
        "fix the lines marked FAIL before the operator can run"
    );
    Ok(())
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    /// Subject of the check, such as `PostgreSQL version`.
    what: String,
    /// `OK`, `WARN` or `FAIL`.
    result: &'static str,
    /// The problem and what to do; empty if there is none.
    advice: String,
}

/// Checks the API server and every backend.
async fn lines(kubernetes: &Client, backends: &Backends, tenant_schemas: &[String]) -> Vec<Line> {
    let cluster = kube_system_uid(kubernetes).await;
    let unreachable = cluster.as_ref().err().map(ToString::to_string);
    let mut lines = vec![line("Kubernetes API server", unreachable, false)];
    let checks = backends.preflights().map(backend_lines);
    let mut checks = join_all(checks).await.into_iter();
    lines.extend(checks.next().unwrap_or_default());
    let database = backends.postgres.client();
    // Before the first operator has run there are no tables.
    if let (Ok(cluster), Ok(Some(owner))) = (cluster, owner::owner(database).await) {
        let other = (owner != cluster).then(|| foreign(owner).message);
        lines.push(line("PostgreSQL installation", other, false));
    }
    if let Ok(findings) = database.coverage(tenant_schemas).await {
        let coverage = Coverage::from_findings(findings);
        let gaps = (!coverage.gaps.is_empty()).then(|| coverage.summary());
        lines.push(line("PostgreSQL tenants' tables", gaps, false));
    }
    lines.extend(checks.flatten());
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

/// Returns the lines as a table.
fn table(lines: &[Line]) -> String {
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

/// Returns whether the operator can run.
fn passed(lines: &[Line]) -> bool {
    lines.iter().all(|line| line.result != "FAIL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warning_is_shown_and_does_not_fail() {
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
