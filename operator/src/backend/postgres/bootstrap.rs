//! SQL that the DBA runs once: roles, and functions that need privilege.

use postgres_protocol::escape::escape_literal;

/// Version that `akili_guard.version()` returns once [`sql`] has run.
pub const VERSION: i32 = 2;

const PARTS: [&str; 7] = [
    include_str!("bootstrap/1_roles.sql"),
    include_str!("bootstrap/2_identity.sql"),
    include_str!("bootstrap/3_protection.sql"),
    include_str!("bootstrap/4_coverage.sql"),
    include_str!("bootstrap/5_logins.sql"),
    include_str!("bootstrap/6_rows.sql"),
    include_str!("bootstrap/7_grants.sql"),
];

/// Returns the bootstrap for a platform whose tenants' tables are in `tenant_schemas`.
///
/// A superuser runs it in the platform's database, as one transaction; again after an
/// upgrade and when the schemas change.
pub fn sql(tenant_schemas: &[String]) -> String {
    let names: Vec<String> = tenant_schemas
        .iter()
        .map(|name| escape_literal(name))
        .collect();
    format!(
        "{}
-- Schemas that hold tenants' tables: exactly these.
DELETE FROM akili_guard.tenant_schemas;
INSERT INTO akili_guard.tenant_schemas
    SELECT unnest(ARRAY[{}]::name[]);

COMMIT;
",
        PARTS.concat(),
        names.join(", "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bootstrap_is_one_transaction_ending_with_the_schemas() {
        let sql = sql(&["public".into(), "o'brien".into()]);
        assert_eq!(sql.matches("\nBEGIN;\n").count(), 1);
        assert!(sql.ends_with("ARRAY['public', 'o''brien']::name[]);\n\nCOMMIT;\n"));
    }

    #[test]
    fn bootstrap_sets_the_version_that_preflight_expects() {
        assert!(sql(&[]).contains(&format!("RETURN {VERSION};")));
    }

    #[test]
    fn every_function_pins_its_search_path() {
        let functions = PARTS.concat();
        let bodies = functions.matches("AS $$").count();
        let pinned = functions
            .matches("SET search_path = pg_catalog, pg_temp\n")
            .count();
        assert_eq!(bodies, pinned);
    }
}
