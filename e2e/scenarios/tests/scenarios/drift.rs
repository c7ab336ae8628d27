//! Manual changes are repaired without a change of the Tenant, and reported in an Event.

use akili_scenarios::platform::Platform;
use anyhow::{Result, ensure};

pub async fn manual_change_is_repaired_and_reported() -> Result<()> {
    let platform = Platform::install().await?;
    platform.superuser(
        "DROP TABLE IF EXISTS orders; CREATE TABLE orders (tenant_id uuid NOT NULL, n int)",
    )?;
    let _operator = platform.start_operator().await?;
    platform.activate("acme")?;
    drift_is_repaired(&platform).await
}

async fn drift_is_repaired(platform: &Platform) -> Result<()> {
    let namespace = platform.status("acme", "namespace")?;
    let role = platform.status("acme", "resources.postgres.role")?;
    let binding = [
        "get",
        "rolebinding",
        "akili-tenant-reader",
        "-n",
        &namespace,
        "--ignore-not-found",
        "-o",
        "name",
    ];
    platform.kubectl(&[
        "delete",
        "rolebinding",
        "akili-tenant-reader",
        "-n",
        &namespace,
    ])?;
    platform
        .eventually("the binding is restored", || {
            Ok(!platform.kubectl(&binding)?.is_empty())
        })
        .await?;

    for harm in [
        format!("ALTER ROLE {role} PASSWORD 'by hand'"),
        format!("DROP ROLE {role}"),
    ] {
        platform.superuser(&harm)?;
        platform
            .eventually(&format!("the login works again after {harm}"), || {
                Ok(platform.as_tenant("acme", "SELECT 1")?.status.success())
            })
            .await?;
    }

    let sound = "SELECT (SELECT relforcerowsecurity FROM pg_class WHERE oid = 'orders'::regclass) \
                 AND EXISTS (SELECT FROM pg_policy WHERE polrelid = 'orders'::regclass AND polname = 'akili_tenant')";
    for harm in [
        "DROP POLICY akili_tenant ON orders",
        "ALTER TABLE orders NO FORCE ROW LEVEL SECURITY",
    ] {
        platform.superuser(harm)?;
        platform
            .eventually(
                &format!("the table is protected again after {harm}"),
                || Ok(platform.superuser(sound)?.trim() == "t"),
            )
            .await?;
    }

    let events = platform.kubectl(&[
        "get",
        "events",
        "-n",
        "default",
        "-o",
        "jsonpath={.items[*].message}",
    ])?;
    for told in [
        "apply RoleBinding akili-tenant-reader",
        "table public.orders is protected",
    ] {
        ensure!(events.contains(told), "no event says {told}: {events}");
    }
    Ok(())
}
