//! The Helm chart, checked by Helm and by the cluster.

use std::fs;
use std::process::Output;

use akili_scenarios::platform::Platform;
use akili_testbed::chart::{self, CHART};
use akili_testbed::command::{stderr, stdout, succeed};
use anyhow::{Result, ensure};
use serde_json::{Value, json};

pub async fn chart_passes_lint() -> Result<()> {
    let linted = succeed(&chart::helm(&["lint", "--strict", CHART])?)?;
    ensure!(linted.contains("0 chart(s) failed"), "{linted}");
    Ok(())
}

pub async fn invalid_value_is_rejected_with_its_name() -> Result<()> {
    for (value, refusal) in [
        ("replica=3", "additional properties 'replica' not allowed"),
        ("replicas=two", "at '/replicas': got string, want integer"),
        (
            "config.postgres.hots=db",
            "at '/config/postgres': additional properties 'hots' not allowed",
        ),
        (
            "config.postgres.port=many",
            "at '/config/postgres/port': got string, want integer",
        ),
        (
            "config.retention=soon",
            "at '/config/retention': 'soon' does not match pattern",
        ),
        (
            "config.postgres.password=hunter2",
            "additional properties 'password' not allowed",
        ),
        ("config.postgres.host=", "config.postgres.host is needed"),
        (
            "config.objectStore.endpoint=",
            "config.objectStore.endpoint is needed",
        ),
        (
            "config.kafka.bootstrapServers=",
            "config.kafka.bootstrapServers is needed",
        ),
        ("config.starrocks.host=", "config.starrocks.host is needed"),
        (
            "webhook.certManager.issuerRef.kind=Authority",
            "value must be one of 'Issuer', 'ClusterIssuer'",
        ),
        (
            "config.webhook.certManager=true",
            "additional properties 'webhook' not allowed",
        ),
    ] {
        let answer = chart::template(&[&chart::EXAMPLE[..], &[value]].concat())?;
        ensure!(
            !answer.status.success() && stderr(&answer).contains(refusal),
            "{value}: {}{}",
            stdout(&answer),
            stderr(&answer)
        );
    }
    Ok(())
}

/// The testbed has no cert-manager, so only the rendered chart is checked.
pub async fn configured_issuer_renders_cert_manager_certificate() -> Result<()> {
    let issuer = "webhook.certManager.issuerRef.name=platform-ca";
    let with = succeed(&chart::template(
        &[&chart::EXAMPLE[..], &[issuer]].concat(),
    )?)?;
    let without = succeed(&chart::template(&chart::EXAMPLE)?)?;
    for (rendered, there, absent) in [
        (
            with,
            &[
                "kind: Certificate",
                "cert-manager.io/inject-ca-from: akili-system/akili-operator-webhook",
                "dnsNames: [akili-operator-webhook.akili-system.svc]",
                "webhook: {certManager: true}",
            ][..],
            &["resources: [mutatingwebhookconfigurations]"][..],
        ),
        (
            without,
            &[
                "webhook: {certManager: false}",
                "resources: [mutatingwebhookconfigurations]",
            ],
            &["kind: Certificate", "cert-manager.io/"],
        ),
    ] {
        for text in there {
            ensure!(rendered.contains(text), "{text} is missing in {rendered}");
        }
        for text in absent {
            ensure!(!rendered.contains(text), "{text} is in {rendered}");
        }
    }
    Ok(())
}

pub async fn plain_yaml_equals_the_rendered_chart() -> Result<()> {
    let file = chart::plain_yaml_file();
    ensure!(
        fs::read_to_string(&file)? == chart::plain_yaml()?,
        "{} is stale: run `make generate`",
        file.display()
    );
    Ok(())
}

pub async fn plain_yaml_and_restricted_pods_are_accepted() -> Result<()> {
    let platform = Platform::install().await?;
    let file = chart::plain_yaml_file();
    platform.kubectl(&["apply", "--dry-run=server", "-f", &file.to_string_lossy()])?;

    let namespace = format!("chart-check-{}", std::process::id());
    let restricted = "pod-security.kubernetes.io/enforce=restricted";
    platform.kubectl(&["create", "namespace", &namespace])?;
    let asked = platform
        .kubectl(&["label", "namespace", &namespace, restricted])
        .and_then(|_| {
            platform.kubectl(&[
                "create",
                "serviceaccount",
                "akili-operator",
                "-n",
                &namespace,
            ])
        })
        .and_then(|_| operator_pods_are_restricted(&platform, &namespace));
    platform.kubectl(&["delete", "namespace", &namespace, "--wait=false"])?;
    asked
}

fn operator_pods_are_restricted(platform: &Platform, namespace: &str) -> Result<()> {
    let deployment = platform.kubectl(&[
        "get",
        "deployment",
        "akili-operator",
        "-n",
        "akili-system",
        "-o",
        "json",
    ])?;
    let deployment: Value = serde_json::from_str(&deployment)?;
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "akili-operator", "namespace": namespace},
        "spec": deployment["spec"]["template"]["spec"],
    });
    succeed(&dry_run(platform, &pod)?)?;

    pod["spec"]["containers"][0]["securityContext"] = Value::Null;
    let answer = dry_run(platform, &pod)?;
    ensure!(
        stderr(&answer).contains("violates PodSecurity"),
        "the namespace accepts unrestricted pods"
    );
    Ok(())
}

fn dry_run(platform: &Platform, pod: &Value) -> Result<Output> {
    let file = std::env::temp_dir().join("akili-chart-pod.json");
    fs::write(&file, pod.to_string())?;
    let answer =
        platform.try_kubectl(&["create", "--dry-run=server", "-f", &file.to_string_lossy()]);
    fs::remove_file(&file)?;
    answer
}
