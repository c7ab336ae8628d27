//! The operator's own rights, its load on the backends, and its checks.

use akili_scenarios::platform::{AUDIT_INTERVAL, Platform};
use akili_testbed::command::{stderr, stdout};
use anyhow::{Result, ensure};

/// Uses the operator's own token, not impersonation by an admin.
pub async fn operator_reaches_tenants_only() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    platform.activate("confined")?;
    operator_is_confined(&platform).await?;
    tenant_cannot_forge_credentials(&platform)
}

pub async fn converged_tenant_causes_no_write() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    platform.activate("acme")?;
    platform.activate("acme-2")?;
    tokio::time::sleep(2 * AUDIT_INTERVAL).await;

    let (mark, written) = (platform.audit_mark()?, platform.footprint()?);
    tokio::time::sleep(4 * AUDIT_INTERVAL).await;
    let requests = platform.operators_requests_since(mark)?;
    let about_tenants = |verb: &str| {
        requests
            .iter()
            .filter(|request| request.verb == verb && request.resource != "leases")
            .count()
    };
    println!(
        "two converged tenants, four audits: {} lists and {} other reads of the API server, {} writes",
        about_tenants("list"),
        about_tenants("get"),
        about_tenants("create") + about_tenants("patch") + about_tenants("delete")
    );
    ensure!(
        about_tenants("list") >= 3 * 7,
        "the tenants weren't audited, kind by kind: {requests:?}"
    );
    for verb in ["create", "update", "patch", "delete", "deletecollection"] {
        ensure!(about_tenants(verb) == 0, "{verb}: {requests:?}");
    }
    let now = platform.footprint()?;
    ensure!(now == written, "an audit wrote: {written:?}, then {now:?}");

    // A complete reconcile of one tenant.
    let reads = platform.backend_calls("kafka")?;
    platform.kubectl(&["annotate", "tenant", "acme", "example.com/touched=yes"])?;
    platform
        .eventually("the tenant is reconciled", || {
            Ok(platform.backend_calls("kafka")? >= reads + 3)
        })
        .await?;
    tokio::time::sleep(AUDIT_INTERVAL).await;
    let now = platform.footprint()?;
    ensure!(
        now == written,
        "a reconcile wrote: {written:?}, then {now:?}"
    );
    platform.activate("acme-3")?;
    for (backend, now) in platform.footprint()? {
        ensure!(
            now != written[backend],
            "{backend}: a write leaves no trace"
        );
    }
    Ok(())
}

pub async fn foreign_clusters_tenants_are_untouched_until_takeover() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    platform.activate("acme")?;
    let other = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
    platform.superuser(&format!(
        "UPDATE akili.installation SET kube_system_uid = '{other}'"
    ))?;
    platform
        .eventually("the tenant is Stalled", || {
            Ok(platform.reason("acme", "Stalled")? == "ForeignInstallation")
        })
        .await?;

    let check = platform.check(&[])?;
    ensure!(
        check.status.code() == Some(1) && stdout(&check).contains("check --take-over"),
        "{}",
        stdout(&check)
    );
    let taken = platform.check(&["--take-over"])?;
    ensure!(
        taken.status.success(),
        "{}{}",
        stdout(&taken),
        stderr(&taken)
    );
    platform
        .eventually("the tenant is Ready again", || {
            Ok(platform.reason("acme", "Ready")? == "Reached")
        })
        .await
}

pub async fn check_names_the_problem_and_its_remedy() -> Result<()> {
    let platform = Platform::install().await?;
    let good = platform.check(&[])?;
    ensure!(good.status.success(), "{}{}", stdout(&good), stderr(&good));
    for (variable, value, complaint) in [
        (
            "AKILI_POSTGRES__PASSWORD",
            "wrong",
            "check postgres.user and postgres.password",
        ),
        (
            "AKILI_POSTGRES__DATABASE",
            "nowhere",
            "check postgres.database",
        ),
        ("AKILI_POSTGRES__PORT", "1", "check that the server runs"),
        (
            "AKILI_OBJECT_STORE__SECRET_KEY",
            "wrong",
            "check objectStore.accessKey and objectStore.secretKey",
        ),
        (
            "AKILI_OBJECT_STORE__BUCKET",
            "nowhere",
            "bucket nowhere does not exist",
        ),
        (
            "AKILI_POSTGRES__PORT",
            "many",
            "configuration key postgres.port",
        ),
        (
            "AKILI_POSTGRES__COLOUR",
            "red",
            "configuration key postgres.colour",
        ),
    ] {
        let bad = platform.check_with(variable, value)?;
        let said = stdout(&bad) + &stderr(&bad);
        ensure!(
            bad.status.code() == Some(1) && said.contains(complaint),
            "{variable}={value}: {said}"
        );
    }
    Ok(())
}

async fn operator_is_confined(platform: &Platform) -> Result<()> {
    for (arguments, refusal) in [
        (&["get", "secrets", "-n", "kube-system"][..], "is forbidden"),
        (&["get", "secrets", "-n", "default"], "is forbidden"),
        (
            &[
                "create",
                "rolebinding",
                "x",
                "-n",
                "kube-system",
                "--clusterrole=akili-operator-tenant",
                "--user=x",
            ],
            "tenants' namespaces only",
        ),
        (
            &[
                "create",
                "clusterrolebinding",
                "x",
                "--clusterrole=akili-tenant-writer",
                "--user=x",
            ],
            "akili-tenant-{id}",
        ),
        (
            &[
                "create",
                "clusterrolebinding",
                "x",
                "--clusterrole=cluster-admin",
                "--user=x",
            ],
            "is forbidden",
        ),
        (
            &["create", "namespace", "mine"],
            "the operator may write tenants' namespaces only",
        ),
    ] {
        let answer = platform.kubectl_as_operator(arguments).await?;
        ensure!(
            !answer.status.success() && stderr(&answer).contains(refusal),
            "{arguments:?}: {}",
            stderr(&answer)
        );
    }
    Ok(())
}

fn tenant_cannot_forge_credentials(platform: &Platform) -> Result<()> {
    let (id, namespace) = (
        platform.status("confined", "id")?,
        platform.status("confined", "namespace")?,
    );
    let forge = ["create", "secret", "generic", "akili-kafka"];
    let answer = platform.as_user_of(&id, &namespace, &forge)?;
    ensure!(
        stderr(&answer).contains("are the operator's alone"),
        "{}",
        stderr(&answer)
    );
    Ok(())
}
