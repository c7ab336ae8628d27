//! Permitted creations by tenant state, from the moment of the state's change.

use akili_crds::Tenant as Resource;
use akili_scenarios::platform::Platform;
use anyhow::{Result, ensure};
use futures::future::try_join_all;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::tenant::{Answer, CONNECTION, PRODUCT, Tenant};

/// Tenants that are suspended concurrently, and the number of suspensions of each.
const SLUGS: [&str; 4] = ["alpha", "bravo", "charlie", "delta"];
const TIMES: usize = 250;

pub async fn suspension_applies_to_the_next_request() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    let mut tenants = Vec::new();
    for slug in SLUGS {
        tenants.push(Tenant::activate(&platform, slug).await?);
    }
    let refused = try_join_all(tenants.iter().map(suspend_repeatedly)).await?;
    println!(
        "suspended {} times, each followed by a request: always rejected",
        refused.iter().sum::<usize>()
    );
    for tenant in &tenants {
        tenant.until(PRODUCT, 201).await?;
        let count = tenant.count(PRODUCT).await?;
        ensure!(count == 0, "{count} were created");
    }
    Ok(())
}

/// Doesn't wait for the phase, because admission must not depend on it.
async fn suspend_repeatedly(tenant: &Tenant<'_>) -> Result<usize> {
    for number in 0..TIMES {
        set_state(tenant, "Suspended").await?;
        let answer = tenant.create(PRODUCT, &format!("try-{number}")).await?;
        is(&answer, 403, "TenantSuspended")?;
        set_state(tenant, "Active").await?;
    }
    Ok(TIMES)
}

pub async fn rejection_names_the_tenants_state() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    let tenant = provisioning_tenant(&platform).await?;
    let deployed = json!({"spec": {"description": "changed"}});
    for kind in [PRODUCT, CONNECTION] {
        is(&tenant.create(kind, "new").await?, 409, "TenantNotReady")?;
    }
    let mut admin = platform.starrocks_of_operator().await?;
    admin.query("DROP CATALOG tenant_incoming_catalog").await?;
    platform.wait_active("incoming")?;
    for kind in [PRODUCT, CONNECTION] {
        tenant.until(kind, 201).await?;
        let made = tenant.create(kind, "kept").await?;
        ensure!(made.is_ok(), "{made:?}");
    }

    for (state, phase, reason) in [
        ("Suspended", "SUSPENDED", "TenantSuspended"),
        ("Archived", "ARCHIVED", "TenantArchived"),
    ] {
        platform.change_state("incoming", state, phase).await?;
        for kind in [PRODUCT, CONNECTION] {
            let made = as_admin(&tenant, &kind.object("new")).await?;
            ensure!(made.contains(&format!("({reason})")), "{made}");
        }
        let changed = tenant.change(PRODUCT, "kept", &deployed).await?;
        if state == "Suspended" {
            is(&changed, 403, reason)?;
        }
    }
    let file = platform.file("outside.json", &PRODUCT.object("outside").to_string())?;
    let outside = platform.try_kubectl(&["create", "-n", "default", "-f", &file])?;
    let said = akili_testbed::command::stderr(&outside);
    ensure!(said.contains("(TenantNotFound)"), "{said}");
    Ok(())
}

/// Creates a tenant that stays PROVISIONING because a foreign catalog has its catalog's
/// name.
async fn provisioning_tenant(platform: &Platform) -> Result<Tenant<'_>> {
    platform.keep_provisioning("incoming").await?;
    Tenant::of(platform, "incoming").await
}

async fn set_state(tenant: &Tenant<'_>, state: &str) -> Result<()> {
    let tenants = Api::<Resource>::all(tenant.platform.testbed.admin());
    let patch = Patch::Merge(json!({"spec": {"state": state}}));
    let options = PatchParams::default();
    tenants.patch(tenant.slug, &options, &patch).await?;
    Ok(())
}

async fn as_admin(tenant: &Tenant<'_>, object: &Value) -> Result<String> {
    let file = tenant.platform.file("object.json", &object.to_string())?;
    let create = ["create", "-n", &tenant.namespace, "-f", &file];
    let answer = tenant.platform.try_kubectl(&create)?;
    Ok(akili_testbed::command::stderr(&answer))
}

fn is(answer: &Answer, code: u16, reason: &str) -> Result<()> {
    ensure!(answer.said() == (code, reason), "{answer:?}, not {reason}");
    Ok(())
}
