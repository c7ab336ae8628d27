//! Access in PostgreSQL: tenants, services and the operator, each with its own login and
//! all statements that could reach foreign rows.

mod audit;
mod case;
mod detours;
mod operator;
mod service;
mod tenant;
mod test_schema;

use akili_scenarios::platform::{Login, OPERATOR_PASSWORD, Platform};
use anyhow::Result;
use serde_json::json;

use crate::access_matrix::AccessMatrix;
use case::SqlClient;
use test_schema::{ALPHA, BRAVO, CLASSIFIED, PASSWORD, TestSchema};

pub async fn login_reads_and_writes_permitted_rows_only() -> Result<()> {
    let platform = Platform::install().await?;
    // One name is a prefix of the other.
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
    let schema = TestSchema::create(&platform, own, other)?;
    audit::new_tables_are_closed(&platform, &tenant)?;
    let _operator = platform.start_operator().await?;
    audit::new_tables_are_opened(&platform, &tenant).await?;
    audit::attached_partition_is_protected(&platform, &tenant, &schema).await?;
    audit::manual_grants_are_revoked(&platform).await?;
    audit::unprotectable_objects_are_reported(&platform, own).await?;
    audit::foreign_key_across_tenants_closes_its_tables(&platform, &tenant, own).await?;

    let client = SqlClient {
        platform: &platform,
        schema: &schema,
        login: &tenant,
        hidden: BRAVO,
    };
    let mut matrix = AccessMatrix::default();
    for (who, cases) in [
        (
            "a tenant stays itself",
            tenant::stays_itself(&schema, &neighbour.user),
        ),
        (
            "a tenant reads its own rows",
            tenant::reads_its_own(&schema),
        ),
        (
            "a tenant writes its own rows",
            tenant::writes_its_own(&schema),
        ),
        (
            "a tenant changes no rules",
            tenant::changes_no_rules(&schema),
        ),
        ("a tenant uses a view", detours::views(&schema)),
        ("a tenant calls a function", detours::functions(&schema)),
        ("a tenant names a partition", detours::partitions(&schema)),
        (
            "a tenant follows a foreign key",
            detours::foreign_keys(&schema),
        ),
    ] {
        matrix
            .check(who, &mut SqlClient { ..client }, cases)
            .await?;
    }
    for (who, login, hidden, cases) in [
        (
            "a service chooses a tenant",
            Login::new("clinic_service", PASSWORD),
            BRAVO,
            service::chooses_a_tenant(&schema),
        ),
        (
            "a service chooses the other",
            Login::new("clinic_service", PASSWORD),
            ALPHA,
            service::chooses_the_other(&schema),
        ),
        (
            "a service forgets to choose",
            Login::new("clinic_service", PASSWORD),
            BRAVO,
            service::forgets_to_choose(&schema),
        ),
        (
            "a service owns its tables",
            Login::new("clinic_monolith", PASSWORD),
            BRAVO,
            service::owns_the_tables(&schema),
        ),
        (
            "a login is neither tenant nor service",
            Login::new("clinic_reports", PASSWORD),
            BRAVO,
            service::is_no_service(&schema),
        ),
        (
            "the services' migrations see all tenants",
            Login::new("clinic_migrations", PASSWORD),
            CLASSIFIED,
            service::migrates(),
        ),
        (
            "the operator's login overreaches",
            Login::new("akili_operator", OPERATOR_PASSWORD),
            CLASSIFIED,
            operator::overreaches(&platform)?,
        ),
    ] {
        matrix
            .check(
                who,
                &mut SqlClient {
                    login: &login,
                    hidden,
                    ..client
                },
                cases,
            )
            .await?;
    }
    matrix.finish()
}
