//! A tenant's credential is in its Secret before the backend gets it, and it is seen
//! which one the backend has: so an operator that dies in between leaves no tenant outside.

use akili_scenarios::platform::{Backend, Platform};
use anyhow::{Result, ensure};
use serde_json::json;

const TENANT: &str = "acme";

pub async fn whenever_the_operator_dies_the_secrets_password_works_in_the_end() -> Result<()> {
    let platform = Platform::install().await?;
    let operator = platform.start_operator().await?;
    platform.activate(TENANT)?;
    drop(operator);

    // The Secret was written, the backend wasn't.
    for backend in Backend::ALL {
        leave_unmarked(&platform, backend, Some("never-given-to-the-backend"))?;
    }
    heals(&platform).await?;

    // The backend was, too; the Secret wasn't marked.
    for backend in Backend::ALL {
        leave_unmarked(&platform, backend, None)?;
    }
    heals(&platform).await?;
    for backend in Backend::ALL {
        let (secret, entry) = backend.credential();
        let password = platform.secret_entry(TENANT, secret, entry)?;
        ensure!(
            password == "never-given-to-the-backend",
            "{secret} got another password, which nobody asked for"
        );
    }
    Ok(())
}

/// The Secret as a crash leaves it: with this password, and without its mark.
fn leave_unmarked(platform: &Platform, backend: Backend, password: Option<&str>) -> Result<()> {
    let (secret, entry) = backend.credential();
    let namespace = platform.status(TENANT, "namespace")?;
    let mut patch = json!({"metadata": {"annotations": {"akili.io/applied": null}}});
    if let Some(password) = password {
        patch["stringData"] = json!({entry: password});
    }
    let patch = patch.to_string();
    let of_tenant = ["-n", &namespace, "secret", secret];
    let merge = ["--type=merge", "-p", &patch];
    platform
        .kubectl(&[&["patch"], &of_tenant[..], &merge].concat())
        .map(drop)
}

/// The operator starts, and what every Secret says is good.
async fn heals(platform: &Platform) -> Result<()> {
    let _operator = platform.start_operator().await?;
    platform.until_it_logs_in(TENANT).await?;
    // The other backends show enough of what they have, and need no mark.
    let namespace = platform.status(TENANT, "namespace")?;
    let mark = "jsonpath={.metadata.annotations.akili\\.io/applied}";
    let read = [
        "get",
        "secret",
        "akili-postgres",
        "-n",
        &namespace,
        "-o",
        mark,
    ];
    platform
        .eventually("the Secret is marked", || {
            Ok(!platform.kubectl(&read)?.is_empty())
        })
        .await?;
    platform.shows_no_secret(&[TENANT])
}
