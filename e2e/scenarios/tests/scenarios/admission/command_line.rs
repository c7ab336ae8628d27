//! Rejections on the command line: a text with the next step, or the problem's document,
//! and an exit code.

use std::process::Output;

use akili_scenarios::platform::Platform;
use akili_testbed::command::{stderr, stdout, succeed};
use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::tenant::{CONNECTION, PRODUCT, Tenant};

const LIMIT: &str =
    "Tenant 'umbrella' has 1/1 products. Delete existing products or request a quota increase.";
const SUSPENDED: &str =
    "Tenant 'umbrella' is suspended and read-only. Ask an administrator to reactivate it.";
const ARCHIVED: &str = "Tenant 'umbrella' is archived. This is permanent: all access is revoked.";

pub async fn cli_reports_the_platforms_rejection() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    let tenant = Tenant::activate(&platform, "umbrella").await?;
    for kind in [PRODUCT, CONNECTION] {
        tenant.until(kind, 201).await?;
    }
    let product = |name| ["product", "create", "--name", name, "--namespace", "sales"];
    let set = ["quota", "set", "umbrella", "--max-products", "1"];
    succeed(&platform.akili(&set)?)?;
    succeed(&tenant.akili(&product("orders"))?)?;
    tenant.until(PRODUCT, 429).await?;

    let title = "Product limit reached";
    ensure_problem(
        &tenant,
        &product("more"),
        5,
        ("QuotaExceeded", title, 429, LIMIT),
    )?;
    let taken = "Product 'orders' already exists. Change it, or choose another name.";
    let exists = ("AlreadyExists", "Product exists", 409, taken);
    ensure_problem(&tenant, &product("orders"), 1, exists)?;

    let config = r#"{"host": "db.example.com"}"#;
    let connection = [
        "connection",
        "create",
        "--name",
        "db",
        "--connector-type",
        "postgres",
        "--config",
        config,
    ];
    let dry = [&connection[..], &["--dry-run=server"]].concat();
    ensure!(stdout(&tenant.akili(&dry)?) == "Connection db would be created\n");
    let created = tenant.akili(&[&connection[..], &["--json"]].concat())?;
    let created: Value = serde_json::from_str(&succeed(&created)?)?;
    ensure!(
        created["config"] == json!({"host": "db.example.com"}),
        "{created}"
    );

    let suspend = ["tenant", "suspend", "umbrella", "--confirm", "--wait"];
    succeed(&platform.akili(&suspend)?)?;
    let suspended = ("TenantSuspended", "Tenant suspended", 403, SUSPENDED);
    ensure_problem(&tenant, &product("late"), 4, suspended)?;
    // RBAC rejects now, without a reason.
    let archive = ["tenant", "archive", "umbrella", "--confirm", "--wait"];
    succeed(&platform.akili(&archive)?)?;
    let archived = ("TenantArchived", "Tenant archived", 403, ARCHIVED);
    ensure_problem(&tenant, &product("late"), 4, archived)
}

/// Checks a rejection as text and as a document with `type`, `title`, `status` and
/// `detail`.
fn ensure_problem(
    tenant: &Tenant<'_>,
    arguments: &[&str],
    exit: i32,
    (type_, title, status, detail): (&str, &str, u16, &str),
) -> Result<()> {
    let text = tenant.akili(arguments)?;
    let document = tenant.akili(&[arguments, &["--json"]].concat())?;
    let code = |output: &Output| output.status.code();
    ensure!(
        code(&text) == Some(exit) && code(&document) == Some(exit),
        "exit codes {:?} and {:?}: {}",
        code(&text),
        code(&document),
        stderr(&text)
    );
    ensure!(
        stderr(&text) == format!("error: {detail}\n"),
        "{}",
        stderr(&text)
    );
    ensure!(stdout(&text).is_empty() && stderr(&document).is_empty());
    let said: Value = serde_json::from_str(&stdout(&document))?;
    let wanted = json!({"type": type_, "title": title, "status": status, "detail": detail});
    ensure!(said == wanted, "{said} isn't {wanted}");
    Ok(())
}
