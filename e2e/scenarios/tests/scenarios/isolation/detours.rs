//! The ways around a table: what else reads or changes its rows for a tenant.

use super::case::{Case, answers, refused};
use super::clinic::{ALPHA, Clinic};

const VIOLATED: &str = "violates row-level security policy";

/// A view reads with its owner's rights, but for whoever logged in.
pub fn views(clinic: &Clinic) -> Vec<Case> {
    let other = &clinic.other;
    vec![
        answers(
            "a view of the tables' owner",
            "SELECT secret FROM owners_patients",
            ALPHA,
        ),
        refused(
            "INSERT with another's id through it",
            format!("INSERT INTO owners_patients VALUES ('{other}', 9, 'mine')"),
            VIOLATED,
        ),
        answers(
            "UPDATE of everything through it",
            "UPDATE owners_patients SET secret = 'mine' RETURNING secret",
            "mine",
        ),
        answers(
            "DELETE of everything through it",
            "DELETE FROM owners_patients RETURNING secret",
            ALPHA,
        ),
        answers(
            "a view of a login that sees all rows itself",
            "SELECT secret FROM migrations_patients",
            ALPHA,
        ),
        answers(
            "a superuser's view with security_invoker",
            "SELECT secret FROM patients_for_readers",
            ALPHA,
        ),
        answers(
            "a temporary view of its own",
            "CREATE TEMPORARY VIEW mine AS SELECT secret FROM patients; SELECT secret FROM mine",
            ALPHA,
        ),
    ]
}

/// So does a function.
pub fn functions(clinic: &Clinic) -> Vec<Case> {
    let other = &clinic.other;
    vec![
        answers(
            "a SECURITY INVOKER function",
            "SELECT callers_secrets()",
            ALPHA,
        ),
        answers(
            "a SECURITY DEFINER function of the tables' owner",
            "SELECT owners_secrets()",
            ALPHA,
        ),
        answers(
            "one that deletes another's rows",
            format!("SELECT owners_discharge('{other}')"),
            "0",
        ),
        answers(
            "one of a login that sees all rows itself",
            "SELECT migrations_secrets()",
            ALPHA,
        ),
    ]
}

/// A partition answers by its own policies when it is named itself.
pub fn partitions(clinic: &Clinic) -> Vec<Case> {
    let other = &clinic.other;
    vec![
        answers("a partitioned table", "SELECT secret FROM readings", ALPHA),
        answers(
            "a partition read directly",
            "SELECT secret FROM readings_2026",
            ALPHA,
        ),
        refused(
            "INSERT with another's id into a partition",
            format!("INSERT INTO readings_2026 VALUES ('{other}', '2026-04-01', 'mine')"),
            VIOLATED,
        ),
        answers(
            "DELETE of everything in a partition",
            "DELETE FROM readings_2026 RETURNING secret",
            ALPHA,
        ),
        refused(
            "TRUNCATE of a partition",
            "TRUNCATE readings_2026",
            "permission denied for table readings_2026",
        ),
    ]
}

/// A foreign key's own queries know no policies; so it must pair the tenants.
pub fn foreign_keys(clinic: &Clinic) -> Vec<Case> {
    let own = &clinic.own;
    vec![
        answers(
            "DELETE that cascades",
            "DELETE FROM patients; SELECT count(*) FROM visits",
            "0",
        ),
        answers(
            "UPDATE that cascades",
            "UPDATE patients SET id = 7; SELECT patient FROM visits",
            "7",
        ),
        refused(
            "a reference to another's row",
            format!("INSERT INTO visits VALUES ('{own}', 2, 'mine')"),
            "violates foreign key constraint",
        ),
    ]
}
