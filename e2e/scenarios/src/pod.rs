//! Pods that run a program to its end, with the same restrictions as tenants' pods.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use k8s_openapi::api::core::v1::{Event, Namespace, Pod, ServiceAccount};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, LogParams, PostParams},
};
use serde_json::json;
use tokio::time::Instant;

const NAME: &str = "program";
const TIMEOUT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// The result of a program.
#[derive(Debug)]
pub struct Ended {
    pub succeeded: bool,
    /// Output of the program.
    pub log: String,
}

/// Runs an image's program in a pod with the restricted profile and a read-only root file
/// system, in a new namespace.
pub async fn run(admin: &Client, image: &str, arguments: &[&str]) -> Result<Ended> {
    let namespace = create_restricted_namespace(admin).await?;
    let ended = run_in(admin, &namespace, image, arguments).await;
    Api::<Namespace>::all(admin.clone())
        .delete(&namespace, &DeleteParams::background())
        .await?;
    ended
}

async fn create_restricted_namespace(admin: &Client) -> Result<String> {
    let namespace = serde_json::from_value(json!({
        "metadata": {
            "generateName": "testbed-check-",
            "labels": { "pod-security.kubernetes.io/enforce": "restricted" },
        },
    }))?;
    let created = Api::<Namespace>::all(admin.clone())
        .create(&PostParams::default(), &namespace)
        .await?;
    let namespace = created.name_any();
    // Pods are rejected until their service account exists.
    let accounts = Api::<ServiceAccount>::namespaced(admin.clone(), &namespace);
    let deadline = Instant::now() + TIMEOUT;
    while accounts.get_opt("default").await?.is_none() {
        ensure!(
            Instant::now() < deadline,
            "namespace {namespace} gets no default service account"
        );
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    Ok(namespace)
}

async fn run_in(admin: &Client, namespace: &str, image: &str, arguments: &[&str]) -> Result<Ended> {
    let pods = Api::<Pod>::namespaced(admin.clone(), namespace);
    let pod = serde_json::from_value(json!({
        "metadata": { "name": NAME },
        "spec": {
            "restartPolicy": "Never",
            "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } },
            "containers": [{
                "name": NAME,
                "image": image,
                "args": arguments,
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "readOnlyRootFilesystem": true,
                    "capabilities": { "drop": ["ALL"] },
                },
            }],
        },
    }))?;
    pods.create(&PostParams::default(), &pod).await?;

    let deadline = Instant::now() + TIMEOUT;
    loop {
        let status = pods.get(NAME).await?.status.unwrap_or_default();
        match status.phase.as_deref() {
            Some(phase @ ("Succeeded" | "Failed")) => {
                return Ok(Ended {
                    succeeded: phase == "Succeeded",
                    log: pods.logs(NAME, &LogParams::default()).await?,
                });
            }
            _ if Instant::now() > deadline => {
                bail!(
                    "the pod hasn't ended after {TIMEOUT:?}: {status:?}\n{}",
                    events(admin, namespace).await?
                );
            }
            _ => tokio::time::sleep(POLL_INTERVAL).await,
        }
    }
}

async fn events(admin: &Client, namespace: &str) -> Result<String> {
    let events = Api::<Event>::namespaced(admin.clone(), namespace)
        .list(&ListParams::default())
        .await?;
    let lines = events.items.into_iter().map(|event| {
        let [reason, message] = [event.reason, event.message].map(Option::unwrap_or_default);
        format!("{reason}: {message}")
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}
