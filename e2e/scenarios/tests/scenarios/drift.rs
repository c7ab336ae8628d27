//! Manual changes are repaired without a change of the Tenant, and reported in an Event.

use akili_scenarios::platform::{Platform, text_at};
use anyhow::Result;

pub async fn manual_change_is_repaired_and_reported() -> Result<()> {
    let platform = Platform::install().await?;
    platform.superuser(
        "DROP TABLE IF EXISTS drift_orders; CREATE TABLE drift_orders (tenant_id uuid NOT NULL, n int)",
    )?;
    let _operator = platform.start_operator().await?;
    platform.activate("adrift")?;
    drift_is_repaired(&platform).await
}

async fn drift_is_repaired(platform: &Platform) -> Result<()> {
    let namespace = platform.status("adrift", "namespace")?;
    let role = platform.status("adrift", "resources.postgres.role")?;
    platform.kubectl(&[
        "delete",
        "rolebinding",
        "akili-tenant-reader",
        "-n",
        &namespace,
    ])?;
    platform
        .eventually("the binding is restored", || {
            let binding = platform.find("RoleBinding", &namespace, "akili-tenant-reader")?;
            Ok(binding.is_some())
        })
        .await?;

    for harm in [
        format!("ALTER ROLE {role} PASSWORD 'by hand'"),
        format!("DROP ROLE {role}"),
    ] {
        platform.superuser(&harm)?;
        platform
            .eventually(&format!("the login works again after {harm}"), || {
                Ok(platform.as_tenant("adrift", "SELECT 1")?.status.success())
            })
            .await?;
    }

    let sound = "SELECT (SELECT relforcerowsecurity FROM pg_class WHERE oid = 'drift_orders'::regclass) \
                 AND EXISTS (SELECT FROM pg_policy WHERE polrelid = 'drift_orders'::regclass AND polname = 'akili_tenant')";
    for harm in [
        "DROP POLICY akili_tenant ON drift_orders",
        "ALTER TABLE drift_orders NO FORCE ROW LEVEL SECURITY",
    ] {
        platform.superuser(harm)?;
        platform
            .eventually(
                &format!("the table is protected again after {harm}"),
                || Ok(platform.superuser(sound)?.trim() == "t"),
            )
            .await?;
    }

    let applied = "apply RoleBinding akili-tenant-reader";
    platform.until_event("tenant", "adrift", applied).await?;
    let said = "table public.drift_orders is protected";
    platform
        .eventually("an event says that the table is protected", || {
            let events = platform.list("Event", "default", "")?;
            let mut messages = events.iter().map(|event| text_at(event, ".message"));
            Ok(messages.any(|message| message.contains(said)))
        })
        .await
}
