//! A Tenant from `kubectl apply` to ACTIVE, and its view in kubectl and the CLI.

use std::fs;

use akili_scenarios::platform::{AUDIT_INTERVAL, Platform, tenant_yaml, text_at};
use akili_testbed::command::{stderr, stdout, succeed};
use anyhow::{Result, ensure};
use serde_json::json;

pub async fn new_tenant_is_active_within_seconds_and_visible() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    platform.activate("citizen")?;
    platform.activate("citizen-2")?;

    get_prints_five_lines(&platform)?;
    invalid_tenants_are_rejected_with_the_rule(&platform)?;
    archived_tenant_stays_archived(&platform)?;
    cli_reports_errors(&platform)?;
    verbs_move_a_tenant_through_its_lifecycle(&platform)?;
    verb_warns_if_git_disagrees(&platform)?;
    limits_have_the_canonical_form(&platform).await
}

pub async fn foreign_namespace_is_untouched() -> Result<()> {
    const ID: &str = "0b9f7c1e-43a5-4a54-9d2a-5d0f3c6c7f10";
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    let namespace = format!("tenant-{ID}");
    let inside = "secrets,configmaps,rolebindings,resourcequotas,limitranges,networkpolicies";
    let held = || -> Result<String> {
        let itself = platform.kubectl(&["get", "namespace", &namespace, "-o", "yaml"])?;
        let inside = ["get", inside, "-n", &namespace, "-o", "yaml"];
        Ok(itself + &platform.kubectl(&inside)?)
    };
    platform.kubectl(&["create", "namespace", &namespace])?;
    let ledger = [
        "create",
        "secret",
        "generic",
        "ledger",
        "--from-literal=a=b",
    ];
    platform.kubectl(&[&ledger[..], &["-n", &namespace]].concat())?;
    platform
        .eventually("Kubernetes has created its own objects", || {
            Ok(held()?.contains("kube-root-ca.crt"))
        })
        .await?;
    let before = held()?;

    platform.apply(&format!("{}  id: {ID}\n", tenant_yaml("landless")))?;
    platform
        .eventually("the namespace is reported as foreign", || {
            Ok(platform.reason("landless", "NamespaceReady")? == "OwnedByAnother")
        })
        .await?;
    tokio::time::sleep(2 * AUDIT_INTERVAL).await;
    let after = held()?;
    ensure!(before == after, "{before} became {after}");
    ensure!(platform.status("landless", "phase")? == "PROVISIONING");

    platform.kubectl(&["delete", "namespace", &namespace])?;
    platform.wait_active("landless")
}

fn get_prints_five_lines(platform: &Platform) -> Result<()> {
    let id = platform.status("citizen", "id")?;
    let lines = succeed(&platform.akili(&["tenant", "get", "citizen"])?)?;
    let expected =
        format!("ID: {id}\nSlug: citizen\nDisplay Name: Tenant citizen\nStatus: ACTIVE\nCreated: ");
    ensure!(
        lines.starts_with(&expected) && lines.lines().count() == 5,
        "{lines}"
    );
    Ok(())
}

fn invalid_tenants_are_rejected_with_the_rule(platform: &Platform) -> Result<()> {
    let long = "a".repeat(64);
    for name in ["ab", "1citizen", "a.b", &long] {
        let file = std::env::temp_dir().join("akili-bad-tenant.yaml");
        fs::write(&file, tenant_yaml(name))?;
        let answer = platform.try_kubectl(&["apply", "-f", &file.to_string_lossy()])?;
        ensure!(
            stderr(&answer).contains("a tenant's name has 3 to 63 characters"),
            "{name}: {}",
            stderr(&answer)
        );
    }
    let id = platform.status("citizen", "id")?;
    for (patch, rule) in [
        (
            r#"{"spec":{"id":"6ba7b810-9dad-11d1-80b4-00c04fd430c8"}}"#.to_owned(),
            "must equal status.id",
        ),
        (format!(r#"{{"spec":{{"id":"{id}"}}}}"#), ""),
        (
            r#"{"spec":{"id":null}}"#.to_owned(),
            "can't be changed or removed",
        ),
    ] {
        let answer =
            platform.try_kubectl(&["patch", "tenant", "citizen", "--type=merge", "-p", &patch])?;
        ensure!(
            stderr(&answer).contains(rule) && answer.status.success() == rule.is_empty(),
            "{patch}: {}",
            stderr(&answer)
        );
    }
    Ok(())
}

fn archived_tenant_stays_archived(platform: &Platform) -> Result<()> {
    let slug = "archived";
    let file = std::env::temp_dir().join("akili-archived-tenant.yaml");
    fs::write(&file, tenant_yaml(slug) + "  state: Archived\n")?;
    platform.kubectl(&["apply", "-f", &file.to_string_lossy()])?;
    for state in ["Active", "Suspended"] {
        let patch = format!(r#"{{"spec":{{"state":"{state}"}}}}"#);
        let answer =
            platform.try_kubectl(&["patch", "tenant", slug, "--type=merge", "-p", &patch])?;
        ensure!(
            stderr(&answer).contains("an archived tenant stays archived"),
            "{state}: {}",
            stderr(&answer)
        );
    }
    Ok(())
}

fn cli_reports_errors(platform: &Platform) -> Result<()> {
    for (arguments, code, message) in [
        (
            &["tenant", "get", "nobody"][..],
            3,
            "error: tenant nobody not found",
        ),
        (
            &["tenant", "create", "ab", "--display-name", "x"],
            2,
            "can't be a tenant's name",
        ),
        (
            &["tenant", "create", "citizen", "--display-name", "x"],
            1,
            "error: tenant citizen already exists",
        ),
        (
            &[
                "tenant",
                "wait",
                "citizen",
                "--for",
                "ARCHIVED",
                "--timeout",
                "1s",
            ],
            6,
            "isn't ARCHIVED after 1s",
        ),
    ] {
        let answer = platform.akili(arguments)?;
        ensure!(
            answer.status.code() == Some(code),
            "{arguments:?}: {:?}",
            answer.status
        );
        ensure!(
            stderr(&answer).contains(message),
            "{arguments:?}: {}",
            stderr(&answer)
        );
    }
    let list = succeed(&platform.akili(&["tenant", "list", "--state", "active", "--json"])?)?;
    ensure!(list.contains(r#""slug": "citizen-2""#), "{list}");
    Ok(())
}

fn verbs_move_a_tenant_through_its_lifecycle(platform: &Platform) -> Result<()> {
    for (command, code, said) in [
        ("suspend nobody --confirm", 3, "tenant nobody not found"),
        (
            "suspend citizen-2",
            2,
            "would make tenant citizen-2 (Tenant citizen-2) read-only in every plane",
        ),
        (
            "suspend citizen-2 --dry-run=server",
            0,
            "citizen-2 would be suspended",
        ),
        (
            "suspend citizen-2 --confirm --wait",
            0,
            "tenant citizen-2 is SUSPENDED",
        ),
        (
            "suspend citizen-2 --confirm",
            0,
            "citizen-2 is already SUSPENDED",
        ),
        (
            "wait citizen-2 --for ACTIVE --timeout 1s",
            6,
            "its spec.state is Suspended",
        ),
        ("purge citizen-2 --confirm", 1, "isn't archived"),
        (
            "reactivate citizen-2 --wait",
            0,
            "tenant citizen-2 is ACTIVE",
        ),
        (
            "archive citizen-2",
            2,
            "all access in every plane is revoked permanently",
        ),
        (
            "archive citizen-2 --confirm --wait",
            0,
            "tenant citizen-2 is ARCHIVED",
        ),
        ("archive citizen-2", 0, "citizen-2 is already ARCHIVED"),
        (
            "reactivate citizen-2",
            1,
            "it is archived, which is permanent",
        ),
        (
            "purge citizen-2",
            2,
            "would delete all data of tenant citizen-2",
        ),
        (
            "purge citizen-2 --dry-run=server",
            0,
            "citizen-2 would be purged",
        ),
    ] {
        let arguments: Vec<&str> = ["tenant"].into_iter().chain(command.split(' ')).collect();
        let answer = platform.akili(&arguments)?;
        let all = stdout(&answer) + &stderr(&answer);
        ensure!(
            answer.status.code() == Some(code) && all.contains(said),
            "akili tenant {command}: {:?}, {all}",
            answer.status
        );
    }
    Ok(())
}

fn verb_warns_if_git_disagrees(platform: &Platform) -> Result<()> {
    let file = platform.file("git.yaml", &(tenant_yaml("citizen") + "  state: Active\n"))?;
    let argo = [
        "--server-side",
        "--force-conflicts",
        "--field-manager=argocd-controller",
    ];
    platform.kubectl(&[&["apply", "-f", &file], &argo[..]].concat())?;
    let answer = platform.akili(&["tenant", "suspend", "citizen", "--dry-run=server"])?;
    let warning = "is managed by Argo CD (argocd-controller), which would revert this";
    ensure!(
        answer.status.success() && stderr(&answer).contains(warning),
        "{}",
        stderr(&answer)
    );
    Ok(())
}

/// Limits are written in the API server's canonical form: a thousand products are `1k`,
/// 1024 GB are `1Ti`. Any other form would always differ from the desired one.
async fn limits_have_the_canonical_form(platform: &Platform) -> Result<()> {
    let namespace = platform.status("citizen", "namespace")?;
    let hard = || -> Result<String> {
        let quota = platform.get("ResourceQuota", &namespace, "akili")?;
        let hard = |limit| text_at(&quota, &format!(".spec.hard.{limit}"));
        let products = hard("count/dataproducts\\.akili\\.io");
        Ok(format!("{products} {}", hard("limits\\.memory")))
    };
    for (limits, written) in [
        (
            json!({"maxProducts": 1000, "maxComputeMemoryGb": 1024}),
            "1k 1Ti",
        ),
        (
            json!({"maxProducts": 100, "maxComputeMemoryGb": 32}),
            "100 32Gi",
        ),
    ] {
        platform.patch_spec("tenantquota", "citizen", &limits)?;
        platform
            .eventually(&format!("the quota is {written}"), || {
                Ok(hard()? == written && platform.reason("citizen", "Ready")? == "Reached")
            })
            .await?;
    }
    Ok(())
}
