//! Access in StarRocks in each state of a tenant, limits of its queries, repair of manual
//! changes, and foreign catalogs.

mod case;
pub mod drift;
pub mod ownership;
pub mod quota;
mod tenant;

use akili_scenarios::platform::{Platform, StarRocks};
use anyhow::{Result, ensure};

use case::{Neighbour, Session};

use crate::access_matrix::AccessMatrix;

pub async fn tenant_accesses_its_own_catalog_only() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    // One name is a prefix of the other.
    platform.activate("olap")?;
    platform.activate("olap-2")?;
    let mut neighbour = Neighbour::create(&platform, "olap-2").await?;
    let own = name_of(&platform, "olap")?;

    let mut matrix = AccessMatrix::default();
    let mut olap = platform.starrocks_of("olap").await?;
    matrix
        .check(
            "a tenant uses its own",
            &mut session(&mut olap, &mut neighbour),
            tenant::uses_its_own(),
        )
        .await?;
    tenant::sees_its_own(&mut olap, &own).await?;
    let others = tenant::tries_the_others(&neighbour);
    matrix
        .check(
            "a tenant tries the other's",
            &mut session(&mut olap, &mut neighbour),
            others,
        )
        .await?;
    let outside = tenant::goes_outside(&own, &neighbour);
    matrix
        .check(
            "a tenant goes outside",
            &mut session(&mut olap, &mut neighbour),
            outside,
        )
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
        .check(
            "a suspended tenant",
            &mut session(&mut olap, &mut neighbour),
            tenant::reads_its_own(),
        )
        .await?;
    platform.change_state("olap", "Active", "ACTIVE").await?;
    matrix
        .check(
            "a reactivated tenant",
            &mut session(&mut olap, &mut neighbour),
            tenant::writes_again(),
        )
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

fn session<'a>(session: &'a mut StarRocks, neighbour: &'a mut Neighbour) -> Session<'a> {
    Session { session, neighbour }
}

/// Returns the name of the tenant's role, user and resource group.
fn name_of(platform: &Platform, slug: &str) -> Result<String> {
    platform.status(slug, "resources.resourceGroup.name")
}
