//! Proof of the tenant's access and isolation, with real requests and answers.

use akili_scenarios::platform::Platform;
use akili_testbed::command::stdout;
use anyhow::Result;

use crate::table::{Line, first_line, rejected_output, show};
use crate::{NEIGHBOUR, TENANT, planes};

/// A table with rows of both tenants, as the platform's services would fill it.
const ORDERS: &str = "\
    CREATE TABLE IF NOT EXISTS orders (tenant_id uuid NOT NULL, item text NOT NULL);
    TRUNCATE orders;
    INSERT INTO orders SELECT id, slug || '''s order' FROM akili.tenants WHERE slug IN ";

/// Creates the neighbour, and a table with rows of both tenants.
pub async fn create_neighbour(platform: &Platform) -> Result<()> {
    platform.activate(NEIGHBOUR)?;
    platform.superuser(&format!("{ORDERS} ('{TENANT}', '{NEIGHBOUR}')"))?;
    platform
        .eventually("the new table is open to tenants", || {
            Ok(platform
                .as_tenant(TENANT, "SELECT FROM orders")?
                .status
                .success())
        })
        .await
}

/// Prints the table of requests and answers.
///
/// # Errors
/// If an answer is unexpected.
pub async fn prove(platform: &Platform) -> Result<()> {
    let lines = [
        registry(platform)?,
        postgres(platform)?,
        planes::object_store(platform).await?,
        planes::kafka(platform).await?,
        planes::starrocks(platform).await?,
        kubernetes(platform)?,
    ];
    show(&lines.concat())
}

fn registry(platform: &Platform) -> Result<Vec<Line>> {
    let asked = format!("SELECT slug, state FROM akili.tenants WHERE slug = '{TENANT}'");
    let answered = platform.superuser(&asked)?.trim().to_owned();
    let holds = answered == format!("{TENANT}|ACTIVE");
    Ok(vec![Line {
        plane: "registry",
        asked,
        answered,
        holds,
    }])
}

fn postgres(platform: &Platform) -> Result<Vec<Line>> {
    let other = platform.status(NEIGHBOUR, "id")?;
    let as_tenant = |sql: &str| platform.as_tenant(TENANT, sql);
    let own = as_tenant("SELECT item FROM orders")?;
    let all = platform.superuser("SELECT count(*) FROM orders")?;
    let others = format!("INSERT INTO orders VALUES ('{other}', 'forged')");
    Ok(vec![
        Line {
            plane: "PostgreSQL",
            asked: "as the superuser: SELECT count(*) FROM orders".into(),
            holds: all.trim() == "2",
            answered: all.trim().to_owned(),
        },
        Line {
            plane: "PostgreSQL",
            asked: format!("as {TENANT}: SELECT item FROM orders"),
            holds: stdout(&own).trim() == format!("{TENANT}'s order"),
            answered: first_line(&own),
        },
        rejected_output(
            "PostgreSQL",
            format!("as {TENANT}: INSERT INTO orders with {NEIGHBOUR}'s id"),
            &as_tenant(&others)?,
            "row-level security",
        ),
        rejected_output(
            "PostgreSQL",
            format!("as {TENANT}: SELECT FROM akili.tenants"),
            &as_tenant("SELECT FROM akili.tenants")?,
            "permission denied",
        ),
    ])
}

fn kubernetes(platform: &Platform) -> Result<Vec<Line>> {
    let (id, namespace) = (
        platform.status(TENANT, "id")?,
        platform.status(TENANT, "namespace")?,
    );
    let others = platform.status(NEIGHBOUR, "namespace")?;
    let labels = platform.kubectl(&[
        "get",
        "namespace",
        &namespace,
        "-o",
        "go-template={{index .metadata.labels \"akili.io/state\"}}",
    ])?;
    let quota = platform.kubectl(&["get", "resourcequota", "akili", "-n", &namespace, "-o", "jsonpath=cpu {.spec.hard.limits\\.cpu}, memory {.spec.hard.limits\\.memory}, products {.spec.hard.count/dataproducts\\.akili\\.io}"])?;
    let secret = ["get", "secret", "akili-postgres", "-o", "name"];
    let own = platform.as_user_of(&id, &namespace, &secret)?;
    let other = platform.as_user_of(&id, &others, &secret)?;
    Ok(vec![
        Line {
            plane: "Kubernetes",
            asked: "state of its namespace".into(),
            holds: labels == "ACTIVE",
            answered: labels,
        },
        Line {
            plane: "Kubernetes",
            asked: "limits of its namespace".into(),
            holds: quota == "cpu 8, memory 32Gi, products 100",
            answered: quota,
        },
        Line {
            plane: "Kubernetes",
            asked: "as its user: get secret akili-postgres".into(),
            holds: own.status.success(),
            answered: first_line(&own),
        },
        rejected_output(
            "Kubernetes",
            format!("as its user: get {NEIGHBOUR}'s secret akili-postgres"),
            &other,
            "Forbidden",
        ),
    ])
}
