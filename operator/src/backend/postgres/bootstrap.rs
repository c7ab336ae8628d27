//! What the DBA runs once: the roles, and the functions that need privilege.

use postgres_protocol::escape::escape_literal;

/// What [`sql`] leaves behind as `akili_guard.version()`.
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

/// The bootstrap for a platform whose tenants' tables are in `tenant_schemas`.
///
/// One transaction, for a superuser, in the platform's database; to be run again
/// after an upgrade and when the schemas change.
pub fn sql(tenant_schemas: &[String]) -> String {
    let names: Vec<String> = tenant_schemas
        .iter()
        .map(|name| escape_literal(name))
        .collect();
    format!(
        "{}
-- The schemas that hold tenants' tables: these and no others.
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
    fn it_is_one_transaction_that_ends_with_the_schemas() {
        let sql = sql(&["public".into(), "o'brien".into()]);
        assert_eq!(sql.matches("\nBEGIN;\n").count(), 1);
        assert!(sql.ends_with("ARRAY['public', 'o''brien']::name[]);\n\nCOMMIT;\n"));
    }

    #[test]
    fn it_says_the_version_that_the_operator_looks_for() {
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
