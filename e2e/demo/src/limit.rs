//! A tenant at its products limit: the rejection of its user's request, and the usage
//! that an admin sees.

use akili_scenarios::platform::Platform;
use anyhow::Result;

use crate::table::{Line, first_line, rejected_output, show};
use crate::{TENANT, akili};

/// The last product within the limit, and the first one beyond.
const LAST: &str = "demo-orders";
const BEYOND: &str = "demo-returns";
/// Default of the products limit.
const LIMIT: &str = "100";

/// Creates products as the tenant's user up to the limit and beyond.
///
/// # Errors
/// If an operation has an unexpected result.
pub async fn reach(platform: &Platform) -> Result<()> {
    let (id, namespace) = (
        platform.status(TENANT, "id")?,
        platform.status(TENANT, "namespace")?,
    );
    let create = |name| {
        let create = ["product", "create", "--name", name, "--namespace", "sales"];
        platform.akili_as_user_of(&id, &namespace, &create)
    };
    let there = ["get", "dataproducts", "-n", &namespace, "-o", "name"];
    let limit = (platform.kubectl(&there)?.lines().count() + 1).to_string();
    set_limit(platform, &limit)?;
    let made = create(LAST)?;
    let last = Line {
        plane: "Kubernetes",
        asked: asked(LAST),
        holds: made.status.success(),
        answered: first_line(&made),
    };
    let beyond = create(BEYOND)?;
    let beyond = rejected_output(
        "Kubernetes",
        asked(BEYOND),
        &beyond,
        "request a quota increase",
    );
    show(&[last, beyond])?;

    let used = "jsonpath={.status.used.products}";
    let used = ["get", "tenantquota", TENANT, "-o", used];
    platform
        .eventually("usage counts the product", || {
            Ok(platform.kubectl(&used)? == limit)
        })
        .await?;
    akili(platform, &["quota", "get", TENANT])?;
    undo(platform)
}

/// Restores the limit and deletes the product, of this or of an interrupted earlier
/// demonstration.
pub fn undo(platform: &Platform) -> Result<()> {
    let namespace = platform.status(TENANT, "namespace")?;
    let delete = ["delete", "dataproduct", LAST, "-n", &namespace];
    platform.kubectl(&[&delete[..], &["--ignore-not-found"]].concat())?;
    let limit = "jsonpath={.spec.maxProducts}";
    let limit = platform.kubectl(&["get", "tenantquota", TENANT, "-o", limit])?;
    if limit == LIMIT {
        return Ok(());
    }
    set_limit(platform, LIMIT)
}

fn set_limit(platform: &Platform, limit: &str) -> Result<()> {
    akili(platform, &["quota", "set", TENANT, "--max-products", limit])
}

fn asked(name: &str) -> String {
    format!("as its user: create product {name}")
}
