//! Who can read and change what in PostgreSQL: tenants, services, and the operator
//! itself, each with its own login and everything that SQL offers.

mod audit;
mod case;
mod clinic;
mod detours;
mod operator;
mod service;
mod tenant;

use akili_scenarios::platform::{Login, OPERATOR_PASSWORD, Platform};
use anyhow::Result;
use serde_json::json;

use case::Matrix;
use clinic::{ALPHA, BRAVO, CLASSIFIED, Clinic, PASSWORD};

pub async fn login_reads_and_writes_permitted_rows_only() -> Result<()> {
    let platform = Platform::install().await?;
    // Two names of which one begins like the other.
    let (own, other) = ("acme", "acme-2");
    // Gaps are reported with every tenth audit.
    let mut values = platform.values()?;
    values["config"]["auditInterval"] = json!("1s");
    platform.configure(&values)?;
    let operator = platform.start_operator().await?;
    platform.activate(own)?;
    platform.activate(other)?;
    let tenant = platform.login_of(own)?;
    let neighbour = platform.login_of(other)?;

    drop(operator);
    let clinic = Clinic::open(&platform, own, other)?;
    audit::new_tables_are_closed(&platform, &tenant)?;
    let _operator = platform.start_operator().await?;
    audit::new_tables_are_opened(&platform, &tenant).await?;
    audit::an_attached_partition_is_protected(&platform, &tenant, &clinic).await?;
    audit::grants_by_hand_are_taken_back(&platform).await?;
    audit::what_cannot_be_protected_is_reported(&platform, own).await?;
    audit::a_key_across_tenants_closes_its_tables(&platform, &tenant, own).await?;

    let mut matrix = Matrix::new(&platform, &clinic);
    matrix.attempt(
        "a tenant stays itself",
        &tenant,
        BRAVO,
        tenant::stays_itself(&clinic, &neighbour.user),
    )?;
    let mut as_tenant = |what, cases| matrix.attempt(what, &tenant, BRAVO, cases);
    as_tenant(
        "a tenant reads its own rows",
        tenant::reads_its_own(&clinic),
    )?;
    as_tenant(
        "a tenant writes its own rows",
        tenant::writes_its_own(&clinic),
    )?;
    as_tenant(
        "a tenant changes no rules",
        tenant::changes_no_rules(&clinic),
    )?;
    as_tenant("a tenant uses a view", detours::views(&clinic))?;
    as_tenant("a tenant calls a function", detours::functions(&clinic))?;
    as_tenant("a tenant names a partition", detours::partitions(&clinic))?;
    as_tenant(
        "a tenant follows a foreign key",
        detours::foreign_keys(&clinic),
    )?;

    let service = Login::new("clinic_service", PASSWORD);
    matrix.attempt(
        "a service chooses a tenant",
        &service,
        BRAVO,
        service::chooses_a_tenant(&clinic),
    )?;
    matrix.attempt(
        "a service chooses the other",
        &service,
        ALPHA,
        service::chooses_the_other(&clinic),
    )?;
    matrix.attempt(
        "a service forgets to choose",
        &service,
        BRAVO,
        service::forgets_to_choose(&clinic),
    )?;
    matrix.attempt(
        "a service owns its tables",
        &Login::new("clinic_monolith", PASSWORD),
        BRAVO,
        service::owns_the_tables(&clinic),
    )?;
    matrix.attempt(
        "a login is neither tenant nor service",
        &Login::new("clinic_reports", PASSWORD),
        BRAVO,
        service::is_no_service(&clinic),
    )?;
    matrix.attempt(
        "the services' migrations see all tenants",
        &Login::new("clinic_migrations", PASSWORD),
        CLASSIFIED,
        service::migrates(),
    )?;

    let operators = Login::new("akili_operator", OPERATOR_PASSWORD);
    matrix.attempt(
        "the operator's login overreaches",
        &operators,
        CLASSIFIED,
        operator::overreaches(&platform)?,
    )?;
    matrix.finish()
}
