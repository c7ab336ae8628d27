//! The testbed's own checks: when these fail, no other scenario means anything.

use std::time::Duration;

use akili_e2e::testbed::{Image, ImageFile, Testbed};
use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::{
    authentication::v1::{SelfSubjectReview, UserInfo},
    core::v1::{Event, Namespace, Pod, ServiceAccount},
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, LogParams, PostParams},
};
use serde_json::{Value, json};
use tokio::time::Instant;

const KUBECTL_IMAGE: &str = "akili.test/kubectl:1";
const PATIENCE: Duration = Duration::from_secs(60);
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

#[tokio::test]
async fn a_restricted_pod_reads_the_version_through_the_kubernetes_service() -> Result<()> {
    let testbed = Testbed::connect().await?;
    let admin = testbed.admin();
    testbed.import_image(&kubectl_image(&testbed)).await?;
    let namespace = create_restricted_namespace(&admin).await?;

    let read = read_version_in_a_pod(&admin, &namespace, KUBECTL_IMAGE).await;
    Api::<Namespace>::all(admin.clone())
        .delete(&namespace, &DeleteParams::background())
        .await?;

    let version: Value = serde_json::from_str(&read?)?;
    assert_eq!(
        version["gitVersion"],
        json!(admin.apiserver_version().await?.git_version)
    );
    Ok(())
}

#[tokio::test]
async fn a_tokens_tenant_id_is_its_bearers_group() -> Result<()> {
    let testbed = Testbed::connect().await?;
    let claims = json!({
        "sub": "subject-1",
        "email": "dev@acme-corp.com",
        "email_verified": true,
        "tenant_id": "550e8400-e29b-41d4-a716-446655440000",
        "groups": ["data-engineers"],
    });
    let user = who_am_i(&testbed, claims).await?;
    assert_eq!(user.username.as_deref(), Some("dev@acme-corp.com"));
    let groups = user.groups.unwrap_or_default();
    assert_eq!(
        groups,
        [
            "akili:tenant:550e8400-e29b-41d4-a716-446655440000",
            "data-engineers",
            "system:authenticated"
        ]
    );
    Ok(())
}

#[tokio::test]
async fn a_token_without_tenant_or_verified_address_is_its_subject_in_no_group() -> Result<()> {
    let testbed = Testbed::connect().await?;
    for claims in [
        json!({ "sub": "subject-1" }),
        json!({ "sub": "subject-1", "email": "dev@acme-corp.com" }),
        json!({ "sub": "subject-1", "email": "dev@acme-corp.com", "email_verified": false }),
    ] {
        let user = who_am_i(&testbed, claims.clone()).await?;
        assert_eq!(user.username.as_deref(), Some("subject-1"), "{claims}");
        assert_eq!(
            user.groups.unwrap_or_default(),
            ["system:authenticated"],
            "{claims}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_token_that_claims_what_it_must_not_is_refused() -> Result<()> {
    let testbed = Testbed::connect().await?;
    let table = [
        (json!({ "tenant_id": "" }), "an empty tenant"),
        (json!({ "tenant_id": 7 }), "a tenant that is no text"),
        (
            json!({ "groups": ["akili:tenant:another"] }),
            "a tenant's group other than by tenant_id",
        ),
        (
            json!({ "groups": ["system:masters"] }),
            "a group of Kubernetes' own",
        ),
        (
            json!({ "sub": "system:admin" }),
            "a user of Kubernetes' own",
        ),
        (json!({ "exp": 1 }), "expired"),
        (json!({ "aud": "somebody-else" }), "for another audience"),
    ];
    for (claims, reason) in table {
        let mut with_subject = json!({ "sub": "subject-1" });
        for (claim, value) in claims.as_object().context("claims are an object")? {
            with_subject[claim] = value.clone();
        }
        match who_am_i(&testbed, with_subject).await {
            Ok(user) => bail!("{reason}: accepted as {user:?}"),
            Err(error) => ensure!(is_unauthorized(&error), "{reason}: {error:#}"),
        }
    }
    Ok(())
}

async fn who_am_i(testbed: &Testbed, claims: Value) -> Result<UserInfo> {
    let user = testbed.user_client(claims).await?;
    let reviews = Api::<SelfSubjectReview>::all(user);
    let review = reviews
        .create(&PostParams::default(), &SelfSubjectReview::default())
        .await?;
    review
        .status
        .and_then(|status| status.user_info)
        .context("the review names no user")
}

fn is_unauthorized(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(kube::Error::Api(status)) if status.code == 401)
}

fn kubectl_image(testbed: &Testbed) -> Image {
    let program = ImageFile::Copy {
        from: testbed.kubectl(),
        to: "bin/kubectl".to_owned(),
    };
    let entrypoint = vec!["/bin/kubectl".to_owned()];
    Image {
        name: KUBECTL_IMAGE.to_owned(),
        files: vec![program],
        entrypoint,
    }
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
    // Pods are refused until their service account is there.
    let accounts = Api::<ServiceAccount>::namespaced(admin.clone(), &namespace);
    let deadline = Instant::now() + PATIENCE;
    while accounts.get_opt("default").await?.is_none() {
        ensure!(
            Instant::now() < deadline,
            "namespace {namespace} gets no default service account"
        );
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
    Ok(namespace)
}

async fn read_version_in_a_pod(admin: &Client, namespace: &str, image: &str) -> Result<String> {
    let pods = Api::<Pod>::namespaced(admin.clone(), namespace);
    let pod = serde_json::from_value(json!({
        "metadata": { "name": "reader" },
        "spec": {
            "restartPolicy": "Never",
            "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } },
            "containers": [{
                "name": "reader",
                "image": image,
                // With the credentials and the authority that every pod gets.
                "args": ["get", "--raw", "/version"],
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "readOnlyRootFilesystem": true,
                    "capabilities": { "drop": ["ALL"] },
                },
            }],
        },
    }))?;
    pods.create(&PostParams::default(), &pod).await?;

    let deadline = Instant::now() + PATIENCE;
    loop {
        let status = pods.get("reader").await?.status.unwrap_or_default();
        match status.phase.as_deref() {
            Some("Succeeded") => return Ok(pods.logs("reader", &LogParams::default()).await?),
            Some("Failed") => {
                let log = pods
                    .logs("reader", &LogParams::default())
                    .await
                    .unwrap_or_else(|error| error.to_string());
                bail!("the pod failed: {log}\n{}", events(admin, namespace).await?);
            }
            _ if Instant::now() > deadline => {
                bail!(
                    "the pod hasn't ended after {PATIENCE:?}: {status:?}\n{}",
                    events(admin, namespace).await?
                );
            }
            _ => tokio::time::sleep(BETWEEN_TRIES).await,
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
