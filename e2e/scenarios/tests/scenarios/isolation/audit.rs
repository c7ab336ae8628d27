//! The operator's protection of tables: repairs, and reports of what an admin has to do.

use std::process::Output;
use std::time::{Duration, Instant};

use akili_scenarios::platform::{AUDIT_INTERVAL, Login, Platform, text_at};
use akili_testbed::command::{stderr, stdout};
use anyhow::{Result, ensure};

use super::test_schema::{ALPHA, BRAVO, TABLES, TestSchema};

/// Duration of an audit on a busy machine.
const ALLOWANCE: Duration = Duration::from_secs(5);

/// Number of gaps that a condition lists.
const SHOWN_GAPS: usize = 3;

/// Checks that tenants have no access to new tables.
pub fn new_tables_are_closed(platform: &Platform, tenant: &Login) -> Result<()> {
    for table in TABLES {
        ensure_rejected(platform, tenant, table)?;
    }
    Ok(())
}

/// Checks that the operator protects new tables and then opens them to tenants.
pub async fn new_tables_are_opened(platform: &Platform, tenant: &Login) -> Result<()> {
    for table in TABLES {
        platform
            .eventually(&format!("{table} is open to tenants"), || {
                shows_own_rows_only(platform, tenant, table)
            })
            .await?;
    }
    Ok(())
}

/// Attaches a partition that has rows of several tenants and no policy.
pub async fn attached_partition_is_protected(
    platform: &Platform,
    tenant: &Login,
    schema: &TestSchema<'_>,
) -> Result<()> {
    let TestSchema { own, other, .. } = schema;
    platform.superuser(&format!(
        "SET ROLE clinic_owner;
         CREATE TABLE readings_2027 (LIKE readings);
         INSERT INTO readings_2027 VALUES ('{own}', '2027-03-16', '{ALPHA}'), ('{other}', '2027-03-16', '{BRAVO}');
         ALTER TABLE readings ATTACH PARTITION readings_2027 FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')"
    ))?;
    let began = Instant::now();
    platform
        .eventually("the new partition is open to tenants", || {
            shows_own_rows_only(platform, tenant, "readings_2027")
        })
        .await?;
    let waited = began.elapsed();
    ensure!(
        waited < AUDIT_INTERVAL + ALLOWANCE,
        "the new partition was opened after {waited:?} only"
    );
    println!("a partition attached later: protected and open after {waited:?}");
    Ok(())
}

/// Checks that manual grants to tenants are revoked.
pub async fn manual_grants_are_revoked(platform: &Platform) -> Result<()> {
    platform.superuser(
        "GRANT TRUNCATE, TRIGGER ON tickets TO akili_tenant;
         GRANT UPDATE (secret) ON tickets TO PUBLIC",
    )?;
    platform
        .eventually("manual grants are revoked", || {
            let held = platform.superuser(
                "SELECT has_table_privilege('akili_tenant', 'tickets', 'TRUNCATE, TRIGGER')
                     OR has_any_column_privilege('clinic_reports', 'tickets', 'UPDATE')",
            )?;
            Ok(held.trim() == "f")
        })
        .await
}

/// Checks that the operator reports what it can't repair, with the required action.
pub async fn unprotectable_objects_are_reported(platform: &Platform, slug: &str) -> Result<()> {
    let gaps = [
        (
            "CREATE VIEW superusers_patients AS SELECT * FROM patients",
            "view public.superusers_patients: returns every tenant's rows; set security_invoker = true on it",
            "DROP VIEW superusers_patients",
        ),
        (
            "CREATE FUNCTION superusers_secrets() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER \
                 AS 'SELECT secret FROM public.patients'",
            "function public.superusers_secrets(): is SECURITY DEFINER and its owner bypasses row-level security; revoke EXECUTE",
            "DROP FUNCTION superusers_secrets()",
        ),
        (
            "CREATE FUNCTION clinic_tools.secrets() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER \
                 AS 'SELECT secret FROM public.patients'",
            "function clinic_tools.secrets(): is SECURITY DEFINER and its owner bypasses row-level security",
            "DROP FUNCTION clinic_tools.secrets()",
        ),
        (
            "CREATE MATERIALIZED VIEW all_patients AS SELECT * FROM patients",
            "materialized view public.all_patients: can't have row-level security; revoke access from tenants and services",
            "DROP MATERIALIZED VIEW all_patients",
        ),
        (
            "CREATE POLICY everybody ON patients USING (true)",
            "table public.patients: permissive policy everybody isn't managed by the operator; drop it",
            "DROP POLICY everybody ON patients",
        ),
    ];
    for gaps in gaps.chunks(SHOWN_GAPS) {
        for (make, ..) in gaps {
            platform.superuser(make)?;
        }
        for (_, reported, _) in gaps {
            ensure_reported(platform, slug, reported).await?;
        }
        for (.., unmake) in gaps {
            platform.superuser(unmake)?;
        }
        for (_, reported, _) in gaps {
            platform
                .eventually(
                    &format!("PostgresReady no longer reports {reported:?}"),
                    || Ok(!postgres_ready(platform, slug)?.contains(reported)),
                )
                .await?;
        }
    }
    Ok(())
}

/// Checks that both tables of a foreign key are closed while its cascade can reach other
/// tenants' rows: until the key includes tenant_id, and again when another such key is
/// added.
pub async fn foreign_key_across_tenants_closes_its_tables(
    platform: &Platform,
    tenant: &Login,
    slug: &str,
) -> Result<()> {
    const BOTH: [&str; 2] = ["doctors", "shifts"];
    platform.superuser(
        "SET ROLE clinic_owner;
         CREATE TABLE doctors (tenant_id uuid, id int PRIMARY KEY, secret text, UNIQUE (tenant_id, id));
         CREATE TABLE shifts (tenant_id uuid, doctor int, secret text, CONSTRAINT shifts_doctor
             FOREIGN KEY (doctor) REFERENCES doctors ON DELETE CASCADE)",
    )?;
    let reported =
        "foreign key shifts_doctor doesn't pair tenant_id with tenant_id, so the table is closed";
    ensure_reported(platform, slug, reported).await?;
    for table in BOTH {
        ensure_rejected(platform, tenant, table)?;
    }

    platform.superuser(
        "ALTER TABLE shifts DROP CONSTRAINT shifts_doctor, ADD CONSTRAINT shifts_doctor_of_tenant
             FOREIGN KEY (tenant_id, doctor) REFERENCES doctors (tenant_id, id) ON DELETE CASCADE",
    )?;
    for table in BOTH {
        platform
            .eventually(&format!("{table} is open to tenants"), || {
                Ok(read(platform, tenant, table)?.status.success())
            })
            .await?;
    }

    platform.superuser(
        "ALTER TABLE shifts ADD CONSTRAINT shifts_doctor
             FOREIGN KEY (doctor) REFERENCES doctors ON DELETE CASCADE",
    )?;
    for table in BOTH {
        platform
            .eventually(&format!("{table} is closed to tenants again"), || {
                Ok(!read(platform, tenant, table)?.status.success())
            })
            .await?;
    }
    platform.superuser("DROP TABLE doctors, shifts")?;
    Ok(())
}

fn read(platform: &Platform, tenant: &Login, table: &str) -> Result<Output> {
    platform.as_login(tenant, &format!("SELECT DISTINCT secret FROM {table}"))
}

fn ensure_rejected(platform: &Platform, tenant: &Login, table: &str) -> Result<()> {
    let answer = read(platform, tenant, table)?;
    let refusal = format!("permission denied for table {table}");
    ensure!(
        stderr(&answer).contains(&refusal),
        "{table} isn't closed: {}",
        stdout(&answer)
    );
    Ok(())
}

/// Returns whether the table is open to tenants; fails if it shows other tenants' rows at
/// any time.
fn shows_own_rows_only(platform: &Platform, tenant: &Login, table: &str) -> Result<bool> {
    let answer = read(platform, tenant, table)?;
    if !answer.status.success() {
        return Ok(false);
    }
    let rows = stdout(&answer);
    ensure!(rows.trim() == ALPHA, "{table} shows {rows:?}");
    Ok(true)
}

/// Waits for a text in the tenant's condition, which stays True because the tenant's own
/// rows are safe.
async fn ensure_reported(platform: &Platform, slug: &str, reported: &str) -> Result<()> {
    platform
        .eventually(&format!("PostgresReady reports {reported:?}"), || {
            let said = postgres_ready(platform, slug)?;
            Ok(said.starts_with("True CoverageGap ") && said.contains(reported))
        })
        .await
}

/// Returns status, reason and message of PostgresReady.
fn postgres_ready(platform: &Platform, slug: &str) -> Result<String> {
    let tenant = platform.get("Tenant", "", slug)?;
    let condition = r#".status.conditions[?(@.type=="PostgresReady")]"#;
    let fields = ["status", "reason", "message"];
    let fields = fields.map(|field| text_at(&tenant, &format!("{condition}.{field}")));
    Ok(fields.join(" "))
}
