//! A foreign catalog with the name of the tenant's catalog is left unchanged.

use akili_scenarios::platform::{Platform, tenant_yaml};
use anyhow::{Result, ensure};

pub async fn foreign_catalog_is_untouched() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    let mut admin = platform.starrocks_of_operator().await?;
    let show = "SHOW CREATE CATALOG tenant_olapnew_catalog";
    platform
        .create_foreign_catalog("tenant_olapnew_catalog")
        .await?;
    let before = admin.query(show).await?;

    platform.apply(&tenant_yaml("olapnew"))?;
    platform
        .eventually("the catalog is reported as foreign", || {
            Ok(
                platform.reason("olapnew", "CatalogReady")? == "OwnedByAnother"
                    && platform.reason("olapnew", "ResourceGroupReady")? == "Converged",
            )
        })
        .await?;
    let message = platform.message("olapnew", "CatalogReady")?;
    println!("{message}");
    ensure!(message.contains("tenant_olapnew_catalog"), "{message}");
    ensure!(platform.status("olapnew", "phase")? == "PROVISIONING");
    let after = admin.query(show).await?;
    ensure!(before == after, "{before:?} became {after:?}");

    admin.query("DROP CATALOG tenant_olapnew_catalog").await?;
    platform.wait_active("olapnew")
}
