//! Logins that serve every tenant choose one in each transaction, or see nothing.

use super::case::{Case, answers, refused};
use super::clinic::{ALPHA, BRAVO, Clinic};

const READ: &str = "SELECT DISTINCT secret FROM patients";

/// A transaction that works for this tenant.
fn transaction(tenant: &str, sql: &str) -> String {
    format!("BEGIN; SELECT FROM set_config('akili.tenant_id', '{tenant}', true); {sql}; COMMIT")
}

/// It sees the tenant that it chose.
pub fn chooses_a_tenant(clinic: &Clinic) -> Vec<Case> {
    let Clinic { own, other, .. } = clinic;
    let violated = "violates row-level security policy";
    vec![
        answers("the tenant's rows are there", transaction(own, READ), ALPHA),
        answers(
            "and can be written",
            transaction(
                own,
                "UPDATE patients SET secret = 'changed' RETURNING secret",
            ),
            "changed",
        ),
        refused(
            "INSERT with another's id",
            transaction(
                own,
                &format!("INSERT INTO patients VALUES ('{other}', 9, 'mine')"),
            ),
            violated,
        ),
        refused(
            "UPDATE of tenant_id",
            transaction(own, &format!("UPDATE tickets SET tenant_id = '{other}'")),
            violated,
        ),
        answers(
            "DELETE by another's id",
            transaction(
                own,
                &format!("DELETE FROM patients WHERE tenant_id = '{other}' RETURNING 1"),
            ),
            "",
        ),
        answers(
            "the next transaction of the session sees nothing",
            format!("{}; {READ}", transaction(own, READ)),
            ALPHA,
        ),
        answers(
            "nor does one after a rollback",
            format!(
                "{}; {READ}",
                transaction(own, READ).replace("COMMIT", "ROLLBACK")
            ),
            ALPHA,
        ),
        refused(
            "SET ROLE to the operator",
            "SET ROLE akili_operator",
            "permission denied to set role",
        ),
        refused(
            "TRUNCATE",
            transaction(own, "TRUNCATE tickets"),
            "permission denied for table tickets",
        ),
    ]
}

/// And then the other one, through the same login.
pub fn chooses_the_other(clinic: &Clinic) -> Vec<Case> {
    vec![answers(
        "the other tenant's rows are there",
        transaction(&clinic.other, READ),
        BRAVO,
    )]
}

/// Without a tenant it reads nothing and writes nothing.
pub fn forgets_to_choose(clinic: &Clinic) -> Vec<Case> {
    const NONE: &str = "no tenant is chosen";
    let own = &clinic.own;
    let nobody = "00000000-0000-4000-8000-000000000000";
    vec![
        answers("SELECT", READ, ""),
        answers("a partition", "SELECT secret FROM readings_2026", ""),
        answers("a view", "SELECT secret FROM owners_patients", ""),
        answers("COPY TO STDOUT", "COPY patients TO STDOUT", ""),
        refused(
            "INSERT",
            format!("INSERT INTO patients VALUES ('{own}', 9, 'mine')"),
            NONE,
        ),
        refused("UPDATE", "UPDATE patients SET secret = 'mine'", NONE),
        refused("DELETE", "DELETE FROM patients", NONE),
        answers(
            "SELECT for an unknown tenant",
            transaction(nobody, READ),
            "",
        ),
        refused(
            "DELETE for an unknown tenant",
            transaction(nobody, "DELETE FROM patients"),
            "there is no tenant",
        ),
    ]
}

/// To own the tables opens nothing.
pub fn owns_the_tables(clinic: &Clinic) -> Vec<Case> {
    let own = &clinic.own;
    vec![
        answers("SELECT without a tenant", READ, ""),
        answers("SELECT with one", transaction(own, READ), ALPHA),
        answers(
            "DELETE of everything",
            transaction(own, "DELETE FROM patients RETURNING secret"),
            ALPHA,
        ),
        refused(
            "TRUNCATE",
            transaction(own, "TRUNCATE tickets"),
            "would remove every tenant's rows",
        ),
    ]
}

/// A login that is neither a tenant nor a service has no tenant to choose.
pub fn is_no_service(clinic: &Clinic) -> Vec<Case> {
    vec![
        answers("SELECT, granted by hand", READ, ""),
        answers(
            "SELECT with a tenant chosen",
            transaction(&clinic.own, READ),
            "",
        ),
    ]
}

/// The services' schema migrations rewrite every tenant's rows.
pub fn migrates() -> Vec<Case> {
    vec![
        answers("SELECT", format!("{READ} ORDER BY 1"), "alpha\nbravo"),
        refused(
            "a superuser's table",
            "SELECT * FROM payroll",
            "permission denied for table payroll",
        ),
    ]
}
