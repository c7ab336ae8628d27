//! Who can do what in StarRocks, in each state of a tenant; what its queries may use; what
//! is changed by hand, and what was there before.

mod case;
pub mod drift;
pub mod ownership;
pub mod quota;
mod tenant;

use akili_scenarios::platform::Platform;
use anyhow::{Result, ensure};

use case::{Matrix, Neighbour};

pub async fn tenant_accesses_its_own_catalog_only() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    // Two names of which one begins like the other.
    platform.activate("olap")?;
    platform.activate("olap-2")?;
    let neighbour = Neighbour::settle(&platform, "olap-2").await?;
    let own = name_of(&platform, "olap")?;

    let mut matrix = Matrix::new(neighbour);
    let mut olap = platform.starrocks_of("olap").await?;
    matrix
        .attempt("a tenant uses its own", &mut olap, tenant::uses_its_own())
        .await?;
    tenant::sees_its_own(&mut olap, &own).await?;
    let others = tenant::tries_the_others(matrix.neighbour());
    matrix
        .attempt("a tenant tries the other's", &mut olap, others)
        .await?;
    let outside = tenant::goes_outside(&own, matrix.neighbour());
    matrix
        .attempt("a tenant goes outside", &mut olap, outside)
        .await?;

    platform
        .change_state("olap", "Suspended", "SUSPENDED")
        .await?;
    ensure!(
        olap.query("SELECT 1").await.is_err(),
        "the connection of a suspended tenant lives on"
    );
    let mut olap = platform.starrocks_of("olap").await?;
    matrix
        .attempt("a suspended tenant", &mut olap, tenant::reads_its_own())
        .await?;
    platform.change_state("olap", "Active", "ACTIVE").await?;
    matrix
        .attempt("a reactivated tenant", &mut olap, tenant::writes_again())
        .await?;

    platform
        .change_state("olap", "Archived", "ARCHIVED")
        .await?;
    ensure!(
        olap.query("SELECT 1").await.is_err(),
        "the connection of an archived tenant lives on"
    );
    let login = platform.starrocks_of("olap").await.err();
    let login = login.map(|error| format!("{error:#}")).unwrap_or_default();
    ensure!(
        login.contains("1045"),
        "an archived tenant logs in: {login}"
    );
    matrix.finish()
}

/// The name of the tenant's role, user and resource group.
fn name_of(platform: &Platform, slug: &str) -> Result<String> {
    platform.status(slug, "resources.resourceGroup.name")
}
