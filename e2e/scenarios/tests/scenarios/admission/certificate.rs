//! Renewal of the webhook's certificate while it is in use.

use std::time::Duration;

use akili_scenarios::platform::{Platform, WEBHOOK};
use anyhow::{Result, ensure};

use super::burst::ensure_all_are_answered;
use super::tenant::{PRODUCT, Tenant};

const SECRET: [&str; 2] = ["secret", "akili-operator-webhook"];

/// Longer than a replica takes to notice the new certificate.
const NOTICE_TIME: Duration = Duration::from_secs(15);

pub async fn certificate_renewal_loses_no_request() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_replicas(2).await?;
    let tenant = Tenant::activate(&platform, "renewed").await?;
    tenant.until(PRODUCT, 201).await?;
    let entry = |name: &str| {
        let place = format!(".data.{name}");
        platform.field("Secret", "akili-system", SECRET[1], &place)
    };
    let bundle = || {
        let place = ".webhooks[0].clientConfig.caBundle";
        platform.field("MutatingWebhookConfiguration", "", "akili-admission", place)
    };
    let (served, trusted) = (entry("tls\\.crt")?, bundle()?);
    ensure!(
        !served.is_empty() && trusted == entry("ca\\.crt")?,
        "the CA bundle doesn't hold the certificate"
    );

    let renew = async {
        let due = ["akili.io/renew-after=2026-01-01T00:00:00Z", "--overwrite"];
        platform.of_operator(&[&["annotate"], &SECRET[..], &due].concat())?;
        let renewed = || Ok(entry("tls\\.crt")? != served);
        platform
            .eventually("the certificate is renewed", renewed)
            .await?;
        tokio::time::sleep(NOTICE_TIME).await;
        Ok(())
    };
    ensure_all_are_answered("a renewal", &tenant, renew).await?;
    let now_trusted = bundle()?;
    ensure!(
        now_trusted != trusted && now_trusted == entry("ca\\.crt")?,
        "the CA bundle wasn't updated"
    );
    let log = platform.log()?;
    let serving = log
        .matches("reloaded the certificate of the webhook")
        .count();
    ensure!(serving == 2, "{serving} of two replicas serve it");

    let away = r#"[{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}]"#;
    platform.kubectl(&["patch", WEBHOOK, "--type=json", "-p", away])?;
    platform
        .eventually("the CA bundle is restored", || Ok(bundle()? == now_trusted))
        .await?;
    tenant.until(PRODUCT, 201).await
}
