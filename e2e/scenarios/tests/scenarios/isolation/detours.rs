//! Indirect access to a table: views, functions, partitions and foreign keys.

use super::case::{Case, prints, rejected};
use super::test_schema::{ALPHA, TestSchema};

const VIOLATED: &str = "violates row-level security policy";

/// Views read with their owner's rights, but show the rows of the login's tenant.
pub fn views(schema: &TestSchema) -> Vec<Case> {
    let other = &schema.other;
    vec![
        prints(
            "a view of the tables' owner",
            "SELECT secret FROM owners_patients",
            ALPHA,
        ),
        rejected(
            "INSERT with another's id through it",
            format!("INSERT INTO owners_patients VALUES ('{other}', 9, 'mine')"),
            VIOLATED,
        ),
        prints(
            "UPDATE of everything through it",
            "UPDATE owners_patients SET secret = 'mine' RETURNING secret",
            "mine",
        ),
        prints(
            "DELETE of everything through it",
            "DELETE FROM owners_patients RETURNING secret",
            ALPHA,
        ),
        prints(
            "a view of a login that sees all rows itself",
            "SELECT secret FROM migrations_patients",
            ALPHA,
        ),
        prints(
            "a superuser's view with security_invoker",
            "SELECT secret FROM patients_for_readers",
            ALPHA,
        ),
        prints(
            "a temporary view of its own",
            "CREATE TEMPORARY VIEW mine AS SELECT secret FROM patients; SELECT secret FROM mine",
            ALPHA,
        ),
    ]
}

/// Functions of other owners show the rows of the login's tenant.
pub fn functions(schema: &TestSchema) -> Vec<Case> {
    let other = &schema.other;
    vec![
        prints(
            "a SECURITY INVOKER function",
            "SELECT callers_secrets()",
            ALPHA,
        ),
        prints(
            "a SECURITY DEFINER function of the tables' owner",
            "SELECT owners_secrets()",
            ALPHA,
        ),
        prints(
            "one that deletes another's rows",
            format!("SELECT owners_discharge('{other}')"),
            "0",
        ),
        prints(
            "one of a login that sees all rows itself",
            "SELECT migrations_secrets()",
            ALPHA,
        ),
    ]
}

/// Partitions that are named directly use their own policies.
pub fn partitions(schema: &TestSchema) -> Vec<Case> {
    let other = &schema.other;
    vec![
        prints("a partitioned table", "SELECT secret FROM readings", ALPHA),
        prints(
            "a partition read directly",
            "SELECT secret FROM readings_2026",
            ALPHA,
        ),
        rejected(
            "INSERT with another's id into a partition",
            format!("INSERT INTO readings_2026 VALUES ('{other}', '2026-04-01', 'mine')"),
            VIOLATED,
        ),
        prints(
            "DELETE of everything in a partition",
            "DELETE FROM readings_2026 RETURNING secret",
            ALPHA,
        ),
        rejected(
            "TRUNCATE of a partition",
            "TRUNCATE readings_2026",
            "permission denied for table readings_2026",
        ),
    ]
}

/// Queries of foreign keys ignore policies, so keys must include tenant_id.
pub fn foreign_keys(schema: &TestSchema) -> Vec<Case> {
    let own = &schema.own;
    vec![
        prints(
            "DELETE that cascades",
            "DELETE FROM patients; SELECT count(*) FROM visits",
            "0",
        ),
        prints(
            "UPDATE that cascades",
            "UPDATE patients SET id = 7; SELECT patient FROM visits",
            "7",
        ),
        rejected(
            "a reference to another's row",
            format!("INSERT INTO visits VALUES ('{own}', 2, 'mine')"),
            "violates foreign key constraint",
        ),
    ]
}
