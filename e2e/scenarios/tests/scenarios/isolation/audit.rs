//! What the operator does about tables by itself, and what it asks people to do.

use std::process::Output;
use std::time::{Duration, Instant};

use akili_scenarios::platform::{AUDIT_INTERVAL, Login, Platform, text_at};
use akili_testbed::command::{stderr, stdout};
use anyhow::{Result, ensure};

use super::clinic::{ALPHA, BRAVO, Clinic, TABLES};

/// What an audit itself takes, on a machine that is busy.
const ALLOWANCE: Duration = Duration::from_secs(5);

/// Number of gaps that a condition lists.
const SHOWN_GAPS: usize = 3;

/// Nobody has granted anything, and nobody has to take anything away.
pub fn new_tables_are_closed(platform: &Platform, tenant: &Login) -> Result<()> {
    for table in TABLES {
        is_refused(platform, tenant, table)?;
    }
    Ok(())
}

/// Once the operator runs it protects them, and then lets tenants in.
pub async fn new_tables_are_opened(platform: &Platform, tenant: &Login) -> Result<()> {
    for table in TABLES {
        platform
            .eventually(&format!("{table} is open to tenants"), || {
                shows_its_own(platform, tenant, table)
            })
            .await?;
    }
    Ok(())
}

/// A partition comes with rows of several tenants and no policy of its own.
pub async fn an_attached_partition_is_protected(
    platform: &Platform,
    tenant: &Login,
    clinic: &Clinic<'_>,
) -> Result<()> {
    let Clinic { own, other, .. } = clinic;
    platform.superuser(&format!(
        "SET ROLE clinic_owner;
         CREATE TABLE readings_2027 (LIKE readings);
         INSERT INTO readings_2027 VALUES ('{own}', '2027-03-16', '{ALPHA}'), ('{other}', '2027-03-16', '{BRAVO}');
         ALTER TABLE readings ATTACH PARTITION readings_2027 FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')"
    ))?;
    let began = Instant::now();
    platform
        .eventually("the new partition is open to tenants", || {
            shows_its_own(platform, tenant, "readings_2027")
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

/// What somebody granted to tenants in good faith.
pub async fn grants_by_hand_are_taken_back(platform: &Platform) -> Result<()> {
    platform.superuser(
        "GRANT TRUNCATE, TRIGGER ON tickets TO akili_tenant;
         GRANT UPDATE (secret) ON tickets TO PUBLIC",
    )?;
    platform
        .eventually("grants by hand are gone", || {
            let held = platform.superuser(
                "SELECT has_table_privilege('akili_tenant', 'tickets', 'TRUNCATE, TRIGGER')
                     OR has_any_column_privilege('clinic_reports', 'tickets', 'UPDATE')",
            )?;
            Ok(held.trim() == "f")
        })
        .await
}

/// What the operator can't mend it names, and says what to do.
pub async fn what_cannot_be_protected_is_reported(platform: &Platform, slug: &str) -> Result<()> {
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
        for (_, told, _) in gaps {
            is_told(platform, slug, told).await?;
        }
        for (.., unmake) in gaps {
            platform.superuser(unmake)?;
        }
        for (_, told, _) in gaps {
            platform
                .eventually(&format!("PostgresReady no longer says {told:?}"), || {
                    Ok(!postgres_ready(platform, slug)?.contains(told))
                })
                .await?;
        }
    }
    Ok(())
}

/// The key's cascade would reach other tenants' rows: both its tables are closed
/// until it pairs the tenants, and closed again when another such key comes.
pub async fn a_key_across_tenants_closes_its_tables(
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
    let told =
        "foreign key shifts_doctor doesn't pair tenant_id with tenant_id, so the table is closed";
    is_told(platform, slug, told).await?;
    for table in BOTH {
        is_refused(platform, tenant, table)?;
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

fn is_refused(platform: &Platform, tenant: &Login, table: &str) -> Result<()> {
    let answer = read(platform, tenant, table)?;
    let refusal = format!("permission denied for table {table}");
    ensure!(
        stderr(&answer).contains(&refusal),
        "{table} isn't closed: {}",
        stdout(&answer)
    );
    Ok(())
}

/// Whether it is open by now; at no moment does it show anything else.
fn shows_its_own(platform: &Platform, tenant: &Login, table: &str) -> Result<bool> {
    let answer = read(platform, tenant, table)?;
    if !answer.status.success() {
        return Ok(false);
    }
    let rows = stdout(&answer);
    ensure!(rows.trim() == ALPHA, "{table} shows {rows:?}");
    Ok(true)
}

/// On the tenant's condition, which stays True: its own rows are safe.
async fn is_told(platform: &Platform, slug: &str, told: &str) -> Result<()> {
    platform
        .eventually(&format!("PostgresReady says {told:?}"), || {
            let said = postgres_ready(platform, slug)?;
            Ok(said.starts_with("True CoverageGap ") && said.contains(told))
        })
        .await
}

/// Its status, reason and message.
fn postgres_ready(platform: &Platform, slug: &str) -> Result<String> {
    let tenant = platform.get("Tenant", "", slug)?;
    let condition = r#".status.conditions[?(@.type=="PostgresReady")]"#;
    let fields = ["status", "reason", "message"];
    let fields = fields.map(|field| text_at(&tenant, &format!("{condition}.{field}")));
    Ok(fields.join(" "))
}
