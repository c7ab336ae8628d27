//! Services' logins choose a tenant in each transaction, or see nothing.

use super::case::{Case, prints, rejected};
use super::test_schema::{ALPHA, BRAVO, TestSchema};

const READ: &str = "SELECT DISTINCT secret FROM patients";

/// Returns a transaction for this tenant.
fn transaction(tenant: &str, sql: &str) -> String {
    format!("BEGIN; SELECT FROM set_config('akili.tenant_id', '{tenant}', true); {sql}; COMMIT")
}

/// A service sees the rows of the chosen tenant.
pub fn chooses_a_tenant(schema: &TestSchema) -> Vec<Case> {
    let TestSchema { own, other, .. } = schema;
    let violated = "violates row-level security policy";
    vec![
        prints("the tenant's rows are there", transaction(own, READ), ALPHA),
        prints(
            "and can be written",
            transaction(
                own,
                "UPDATE patients SET secret = 'changed' RETURNING secret",
            ),
            "changed",
        ),
        rejected(
            "INSERT with another's id",
            transaction(
                own,
                &format!("INSERT INTO patients VALUES ('{other}', 9, 'mine')"),
            ),
            violated,
        ),
        rejected(
            "UPDATE of tenant_id",
            transaction(own, &format!("UPDATE tickets SET tenant_id = '{other}'")),
            violated,
        ),
        prints(
            "DELETE by another's id",
            transaction(
                own,
                &format!("DELETE FROM patients WHERE tenant_id = '{other}' RETURNING 1"),
            ),
            "",
        ),
        prints(
            "the next transaction of the session sees nothing",
            format!("{}; {READ}", transaction(own, READ)),
            ALPHA,
        ),
        prints(
            "nor does one after a rollback",
            format!(
                "{}; {READ}",
                transaction(own, READ).replace("COMMIT", "ROLLBACK")
            ),
            ALPHA,
        ),
        rejected(
            "SET ROLE to the operator",
            "SET ROLE akili_operator",
            "permission denied to set role",
        ),
        rejected(
            "TRUNCATE",
            transaction(own, "TRUNCATE tickets"),
            "permission denied for table tickets",
        ),
    ]
}

/// The same login can choose the other tenant.
pub fn chooses_the_other(schema: &TestSchema) -> Vec<Case> {
    vec![prints(
        "the other tenant's rows are there",
        transaction(&schema.other, READ),
        BRAVO,
    )]
}

/// Without a chosen tenant a service reads and writes nothing.
pub fn forgets_to_choose(schema: &TestSchema) -> Vec<Case> {
    const NONE: &str = "no tenant is chosen";
    let own = &schema.own;
    let nobody = "00000000-0000-4000-8000-000000000000";
    vec![
        prints("SELECT", READ, ""),
        prints("a partition", "SELECT secret FROM readings_2026", ""),
        prints("a view", "SELECT secret FROM owners_patients", ""),
        prints("COPY TO STDOUT", "COPY patients TO STDOUT", ""),
        rejected(
            "INSERT",
            format!("INSERT INTO patients VALUES ('{own}', 9, 'mine')"),
            NONE,
        ),
        rejected("UPDATE", "UPDATE patients SET secret = 'mine'", NONE),
        rejected("DELETE", "DELETE FROM patients", NONE),
        prints(
            "SELECT for an unknown tenant",
            transaction(nobody, READ),
            "",
        ),
        rejected(
            "DELETE for an unknown tenant",
            transaction(nobody, "DELETE FROM patients"),
            "there is no tenant",
        ),
    ]
}

/// Ownership of the tables gives no further access.
pub fn owns_the_tables(schema: &TestSchema) -> Vec<Case> {
    let own = &schema.own;
    vec![
        prints("SELECT without a tenant", READ, ""),
        prints("SELECT with one", transaction(own, READ), ALPHA),
        prints(
            "DELETE of everything",
            transaction(own, "DELETE FROM patients RETURNING secret"),
            ALPHA,
        ),
        rejected(
            "TRUNCATE",
            transaction(own, "TRUNCATE tickets"),
            "would remove every tenant's rows",
        ),
    ]
}

/// A login that is neither tenant nor service can't choose a tenant.
pub fn is_no_service(schema: &TestSchema) -> Vec<Case> {
    vec![
        prints("SELECT, granted by hand", READ, ""),
        prints(
            "SELECT with a tenant chosen",
            transaction(&schema.own, READ),
            "",
        ),
    ]
}

/// The services' schema migrations access all tenants' rows.
pub fn migrates() -> Vec<Case> {
    vec![
        prints("SELECT", format!("{READ} ORDER BY 1"), "alpha\nbravo"),
        rejected(
            "a superuser's table",
            "SELECT * FROM payroll",
            "permission denied for table payroll",
        ),
    ]
}
