//! The operator's Helm chart: run through Helm, and rendered as plain YAML.

use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Result, ensure};

use crate::command::succeed;
use crate::tool;

/// Where the chart is.
pub const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../charts/akili-operator");

/// The oldest Kubernetes that the chart is for. Where no cluster is asked, Helm
/// takes it for an older one.
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

/// Runs Helm, whether or not it succeeds.
pub fn helm(arguments: &[&str]) -> Result<Output> {
    let program = tool("helm");
    ensure!(
        program.exists(),
        "Helm isn't built; run `make up`, which builds it"
    );
    Ok(Command::new(program).args(arguments).output()?)
}

/// The chart with these values set, such as `replicas=3`; nothing is installed.
pub fn template(values: &[&str]) -> Result<Output> {
    let mut arguments = vec!["template", "akili-operator", CHART];
    arguments.extend(["--namespace", "akili-system", "--kube-version", KUBERNETES]);
    for value in values {
        arguments.extend(["--set", value]);
    }
    helm(&arguments)
}

/// What has no default, for a platform that is nowhere.
pub const EXAMPLE: [&str; 5] = [
    "config.postgres.host=db.example.com",
    "config.objectStore.endpoint=https://s3.example.com",
    "config.kafka.bootstrapServers=kafka.example.com:9092",
    "config.starrocks.host=starrocks.example.com",
    "config.starrocks.catalog.properties.iceberg\\.catalog\\.uri=https://iceberg.example.com/{slug}",
];

/// What [`plain_yaml_file`] has to contain.
pub fn plain_yaml() -> Result<String> {
    let chart = succeed(&template(&EXAMPLE)?)?;
    Ok(FOREWORD.to_owned() + &chart)
}

/// The chart rendered as plain YAML.
pub fn plain_yaml_file() -> PathBuf {
    concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../manifests/akili-operator.yaml"
    )
    .into()
}
