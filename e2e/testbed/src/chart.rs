//! The operator's Helm chart: calls of Helm, and the chart rendered as plain YAML.

use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Result, ensure};

use crate::command::succeed;
use crate::tool;

/// Path of the chart.
pub const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../charts/akili-operator");

/// Oldest Kubernetes version that the chart supports. Without a cluster, Helm assumes an
/// older one.
const KUBERNETES: &str = "1.30";

const FOREWORD: &str = "\
# The chart charts/akili-operator as plain YAML, for those who don't use Helm; written by
# `make generate`. Say in the ConfigMap where the backends are, and put the operator's
# passwords and keys into the Secrets akili-operator-… that the Deployment names.
---
apiVersion: v1
kind: Namespace
metadata:
  name: akili-system
  labels: {pod-security.kubernetes.io/enforce: restricted}
";

/// Runs Helm and returns its output, on failure too.
pub fn helm(arguments: &[&str]) -> Result<Output> {
    let program = tool("helm");
    ensure!(
        program.exists(),
        "Helm isn't built; run `make up`, which builds it"
    );
    Ok(Command::new(program).args(arguments).output()?)
}

/// Renders the chart with these values, such as `replicas=3`.
pub fn template(values: &[&str]) -> Result<Output> {
    let mut arguments = vec!["template", "akili-operator", CHART];
    arguments.extend(["--namespace", "akili-system", "--kube-version", KUBERNETES]);
    for value in values {
        arguments.extend(["--set", value]);
    }
    helm(&arguments)
}

/// Example values for the settings without a default.
pub const EXAMPLE: [&str; 5] = [
    "config.postgres.host=db.example.com",
    "config.objectStore.endpoint=https://s3.example.com",
    "config.kafka.bootstrapServers=kafka.example.com:9092",
    "config.starrocks.host=starrocks.example.com",
    "config.starrocks.catalog.properties.iceberg\\.catalog\\.uri=https://iceberg.example.com/{slug}",
];

/// Renders the expected content of [`plain_yaml_file`].
pub fn plain_yaml() -> Result<String> {
    let chart = succeed(&template(&EXAMPLE)?)?;
    Ok(FOREWORD.to_owned() + &chart)
}

/// Returns the path of the chart rendered as plain YAML.
pub fn plain_yaml_file() -> PathBuf {
    concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../manifests/akili-operator.yaml"
    )
    .into()
}
