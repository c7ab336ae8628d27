//! A tenant's credential is written to its Secret before it is set in the backend, and
//! the Secret's mark records which one the backend has. So a crash in between never locks
//! a tenant out.

use akili_scenarios::platform::{Backend, Platform};
use anyhow::{Result, ensure};
use serde_json::json;

const TENANT: &str = "acme";

pub async fn secrets_password_works_after_a_crash_at_any_step() -> Result<()> {
    let platform = Platform::install().await?;
    let operator = platform.start_operator().await?;
    platform.activate(TENANT)?;
    drop(operator);

    // The Secret was written, the backend wasn't changed.
    for backend in Backend::ALL {
        leave_unmarked(&platform, backend, Some("never-given-to-the-backend"))?;
    }
    ensure_repaired(&platform).await?;

    // The backend was changed too; the Secret wasn't marked.
    for backend in Backend::ALL {
        leave_unmarked(&platform, backend, None)?;
    }
    ensure_repaired(&platform).await?;
    for backend in Backend::ALL {
        let (secret, entry) = backend.credential();
        let password = platform.secret_entry(TENANT, secret, entry)?;
        ensure!(
            password == "never-given-to-the-backend",
            "{secret} got another password without a reason"
        );
    }
    Ok(())
}

/// Leaves the Secret as after a crash: with this password and without its mark.
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

/// Starts the operator and waits until the credentials of all Secrets work.
async fn ensure_repaired(platform: &Platform) -> Result<()> {
    let _operator = platform.start_operator().await?;
    platform.wait_until_logins_work(TENANT).await?;
    // The other backends show enough of their state to need no mark.
    let namespace = platform.status(TENANT, "namespace")?;
    let mark = ".metadata.annotations.akili\\.io/applied";
    platform
        .eventually("the Secret is marked", || {
            let mark = platform.field("Secret", &namespace, "akili-postgres", mark)?;
            Ok(!mark.is_empty())
        })
        .await?;
    platform.ensure_no_secret_leaks(&[TENANT])
}
