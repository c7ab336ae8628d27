//! A limit that the tenant reaches: what its user hears, and what an admin sees.

use akili_scenarios::platform::Platform;
use anyhow::Result;

use crate::proof::{Line, refused, said, show};
use crate::{TENANT, akili};

/// The product that it may still make, and the one that is too much.
const LAST: &str = "demo-orders";
const BEYOND: &str = "demo-returns";
/// Of products, by default.
const LIMIT: &str = "100";

/// Lets the tenant's user meet a limit.
///
/// # Errors
/// Something isn't as it must be.
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
        answered: said(&made),
    };
    let beyond = create(BEYOND)?;
    let beyond = refused(
        "Kubernetes",
        asked(BEYOND),
        &beyond,
        "request a quota increase",
    );
    show(&[last, beyond])?;

    let used = "jsonpath={.status.used.products}";
    let used = ["get", "tenantquota", TENANT, "-o", used];
    platform
        .eventually("the product is counted", || {
            Ok(platform.kubectl(&used)? == limit)
        })
        .await?;
    akili(platform, &["quota", "get", TENANT])?;
    undo(platform)
}

/// The limit is as it was, and the product gone; an earlier demonstration may have been
/// interrupted before.
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
