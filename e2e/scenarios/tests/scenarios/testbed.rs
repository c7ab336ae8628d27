//! Checks of the testbed itself: if one fails, other scenarios prove nothing.

use std::process::Command;
use std::time::Duration;

use akili_kafka_admin::Mechanism;
use akili_scenarios::platform::{Backend, Platform};
use akili_scenarios::pod;
use akili_testbed::command::run;
use akili_testbed::{Image, ImageFile, KafkaHandle, Testbed};
use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::authentication::v1::{SelfSubjectReview, UserInfo};
use kube::{Api, api::PostParams};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Message};
use serde_json::{Value, json};
use tokio::time::timeout;

/// Limit for an answer of Kafka.
const TIMEOUT: Duration = Duration::from_secs(20);

const KUBECTL_IMAGE: &str = "akili.test/kubectl:1";

pub async fn restricted_pod_reaches_the_kubernetes_service() -> Result<()> {
    let testbed = Testbed::connect().await?;
    let admin = testbed.admin();
    testbed.import_image(&kubectl_image(&testbed)).await?;
    // With the credentials and the CA that every pod gets.
    let read = pod::run(&admin, KUBECTL_IMAGE, &["get", "--raw", "/version"]).await?;
    ensure!(read.succeeded, "the pod failed: {}", read.log);
    let version: Value = serde_json::from_str(&read.log)?;
    assert_eq!(
        version["gitVersion"],
        json!(admin.apiserver_version().await?.git_version)
    );
    Ok(())
}

pub async fn tokens_tenant_id_becomes_a_group() -> Result<()> {
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

pub async fn token_without_tenant_or_email_gives_subject_without_group() -> Result<()> {
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

pub async fn token_with_reserved_claims_is_rejected() -> Result<()> {
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

pub async fn object_store_accepts_the_operators_key_only() -> Result<()> {
    let testbed = Testbed::connect().await?;
    let store = testbed.object_store();
    let bucket = format!("{}/testbed-check", store.endpoint);
    let key = format!("{}:{}", store.access_key, store.secret_key);
    let ask = |method: &str, key: &str| {
        run(Command::new("curl")
            .args(["--silent", "--show-error", "--fail-with-body"])
            .args(["--aws-sigv4", "aws:amz:us-east-1:s3", "--user", key])
            // This release of curl signs the header, but doesn't send it.
            .args(["--header", "x-amz-content-sha256: UNSIGNED-PAYLOAD"])
            .args(["--request", method, &bucket])
            .arg("--cacert")
            .arg(&store.ca_path))
    };
    ask("PUT", &key)?;
    let listed = ask("GET", &key)?;
    ensure!(listed.contains("<Name>testbed-check</Name>"), "{listed}");
    let refusal = ask("GET", &format!("{}:wrong", store.access_key));
    let refusal = format!("{:#}", refusal.err().context("a wrong key was accepted")?);
    ensure!(refusal.contains("SignatureDoesNotMatch"), "{refusal}");
    ask("DELETE", &key).map(drop)
}

pub async fn kafka_accepts_the_operators_login_only() -> Result<()> {
    let testbed = Testbed::connect().await?;
    let kafka = testbed.kafka();
    let name = format!("testbed-check-{}", std::process::id());
    let login = login_to(kafka, &kafka.password, &name);
    let admin: AdminClient<DefaultClientContext> = login.create()?;
    let options = AdminOptions::new().request_timeout(Some(TIMEOUT));

    let topic = NewTopic::new(&name, 1, TopicReplication::Fixed(1));
    let created = admin.create_topics(&[topic], &options).await?;
    assert_eq!(created, [Ok(name.clone())]);
    let producer: FutureProducer = login.create()?;
    let record = FutureRecord::<(), _>::to(&name).payload("an order");
    let sent = producer.send(record, TIMEOUT).await;
    sent.map_err(|(error, _)| error)?;
    let consumer: StreamConsumer = login.create()?;
    consumer.subscribe(&[&name])?;
    let received = timeout(TIMEOUT, consumer.recv()).await??;
    assert_eq!(received.payload(), Some("an order".as_bytes()));

    let stranger: StreamConsumer = login_to(kafka, "wrong", &name).create()?;
    stranger.subscribe(&[&name])?;
    let refusal = timeout(TIMEOUT, stranger.recv()).await?;
    let refusal = refusal.err().context("a wrong password was accepted")?;
    assert_eq!(
        refusal.rdkafka_error_code(),
        Some(RDKafkaErrorCode::Authentication)
    );

    let deleted = admin.delete_topics(&[&name], &options).await?;
    assert_eq!(deleted, [Ok(name)]);
    Ok(())
}

pub async fn restarted_kafka_knows_the_operator_after_user_deletions() -> Result<()> {
    let platform = Platform::connect().await?;
    // The snapshot must include the operator's login.
    tokio::time::sleep(Duration::from_secs(1)).await;
    platform.restore_operator_login(Backend::Kafka).await?;
    let admin = platform.kafka_admin()?;
    for number in 0..20 {
        let user = format!("testbed-check-{number}");
        admin.set_password(&user, "of-somebody").await?;
        admin
            .access
            .delete_scram_credential(&user, Mechanism::Sha256)
            .await?;
    }
    let component = Backend::Kafka.component();
    platform.testbed.stop(component).await?;
    platform.testbed.start(component).await?;

    let kafka = platform.testbed.kafka();
    let login = login_to(kafka, &kafka.password, "testbed-check");
    let consumer: StreamConsumer = login.create()?;
    consumer.fetch_metadata(None, TIMEOUT)?;
    Ok(())
}

fn login_to(kafka: &KafkaHandle, password: &str, group: &str) -> ClientConfig {
    let mut login = ClientConfig::new();
    login
        .set("bootstrap.servers", &kafka.bootstrap_servers)
        .set("security.protocol", "SASL_SSL")
        .set("ssl.ca.location", kafka.ca_path.to_string_lossy())
        .set("sasl.mechanism", "SCRAM-SHA-256")
        .set("sasl.username", kafka.user)
        .set("sasl.password", password)
        .set("group.id", group)
        .set("auto.offset.reset", "earliest");
    login
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
