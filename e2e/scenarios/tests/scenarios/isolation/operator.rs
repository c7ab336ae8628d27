//! A stolen operator login must not lead to further rights.

use akili_scenarios::platform::Platform;
use anyhow::Result;

use super::case::{Case, rejected};

/// SQL and the text of its rejection.
type Attempt = (&'static str, &'static str);

/// Returns the statements that the operator's login must not be able to run.
pub fn overreaches(platform: &Platform) -> Result<Vec<Case>> {
    let attempts = [ROLES, READING, PROGRAMS, BECOMING, RULES, TENANTS_ROWS].concat();
    let case = |(sql, because)| rejected(sql, sql, because);
    let mut cases: Vec<Case> = attempts.into_iter().map(case).collect();

    // By its oid, because the login can't resolve the name.
    let table = platform.superuser("SELECT 'clinic_private.staff'::regclass::oid")?;
    cases.push(rejected(
        "SELECT akili_guard.protect_table of a table in a schema that isn't the tenants'",
        format!("SELECT akili_guard.protect_table({})", table.trim()),
        NOT_A_TENANTS_TABLE,
    ));
    Ok(cases)
}

const NOT_A_TENANTS_TABLE: &str = "is not a table with a tenant_id uuid in a tenants' schema";

const ROLES: &[Attempt] = &[
    ("CREATE ROLE mine", "permission denied to create role"),
    (
        "CREATE ROLE tenant_00000000000040008000000000000000",
        "permission denied to create role",
    ),
    ("ALTER ROLE akili_operator CREATEROLE", "permission denied"),
    (
        "ALTER ROLE akili_operator BYPASSRLS",
        "must be superuser to change bypassrls attribute",
    ),
    (
        "ALTER ROLE clinic_service PASSWORD 'mine'",
        "permission denied",
    ),
    ("DROP ROLE clinic_service", "permission denied to drop role"),
    (
        "SELECT akili_guard.ensure_tenant_login('postgres', NULL, true)",
        "invalid input syntax for type uuid",
    ),
    (
        "SELECT akili_guard.drop_tenant_login('clinic_service')",
        "invalid input syntax for type uuid",
    ),
    (
        "SELECT akili_guard.ensure_tenant_login(gen_random_uuid(), 'x'' SUPERUSER PASSWORD ''x', true)",
        "the password is not a SCRAM-SHA-256 verifier",
    ),
];

const READING: &[Attempt] = &[
    (
        "SELECT * FROM payroll",
        "permission denied for table payroll",
    ),
    (
        "SELECT * FROM clinic_private.staff",
        "permission denied for schema clinic_private",
    ),
    (
        "SELECT rolpassword FROM pg_authid",
        "permission denied for table pg_authid",
    ),
    (
        "SELECT pg_read_file('/etc/passwd')",
        "permission denied for function pg_read_file",
    ),
    (
        "SELECT lo_import('/etc/passwd')",
        "permission denied for function lo_import",
    ),
    (
        "CREATE TABLE akili.mine (line text); COPY akili.mine FROM '/etc/passwd'",
        "pg_read_server_files",
    ),
    (
        "GRANT SELECT ON payroll TO akili_operator",
        "permission denied for table payroll",
    ),
];

const PROGRAMS: &[Attempt] = &[
    (
        "COPY (SELECT 1) TO PROGRAM 'cat'",
        "pg_execute_server_program",
    ),
    ("COPY (SELECT 1) TO '/tmp/mine'", "pg_write_server_files"),
    (
        "CREATE FUNCTION akili.mine(text) RETURNS int LANGUAGE c AS 'libc.so.6', 'system'",
        "permission denied for language c",
    ),
    (
        "CREATE EXTENSION file_fdw",
        "permission denied to create extension",
    ),
    (
        "ALTER SYSTEM SET archive_command = 'true'",
        "permission denied to set parameter",
    ),
];

const BECOMING: &[Attempt] = &[
    ("SET ROLE postgres", "permission denied to set role"),
    (
        "SET ROLE akili_maintenance",
        "permission denied to set role",
    ),
    ("SET ROLE akili_reader", "permission denied to set role"),
    ("SET ROLE akili_service", "permission denied to set role"),
    (
        "SET SESSION AUTHORIZATION postgres",
        "permission denied to set session authorization",
    ),
    (
        "GRANT akili_maintenance TO akili_operator",
        "must have admin option on role",
    ),
    (
        "GRANT pg_read_all_data TO akili_operator",
        "must have admin option on role",
    ),
    (
        "GRANT postgres TO akili_operator",
        "must be superuser to alter superusers",
    ),
];

const RULES: &[Attempt] = &[
    (
        "CREATE OR REPLACE FUNCTION akili_guard.is_bound(login name) RETURNS boolean LANGUAGE sql AS 'SELECT false'",
        "permission denied for schema akili_guard",
    ),
    (
        "DROP FUNCTION akili_guard.refuse_truncate() CASCADE",
        "must be owner of function",
    ),
    (
        "ALTER FUNCTION akili_guard.protect_table(regclass) RESET ALL",
        "must be owner of function",
    ),
    (
        "CREATE TABLE akili_guard.mine (n int)",
        "permission denied for schema akili_guard",
    ),
    ("DROP SCHEMA akili_guard CASCADE", "must be owner of schema"),
    (
        "ALTER TABLE akili_guard.pattern DISABLE ROW LEVEL SECURITY",
        "must be owner of table",
    ),
    (
        "INSERT INTO akili_guard.tenant_schemas VALUES ('clinic_private')",
        "permission denied for table tenant_schemas",
    ),
    (
        "SELECT akili_guard.protect_table('payroll')",
        NOT_A_TENANTS_TABLE,
    ),
    (
        "SELECT akili_guard.set_grants('payroll', true)",
        "permission denied for table payroll",
    ),
    (
        "SELECT akili_guard.enforce_isolation('payroll')",
        "must be owner of table payroll",
    ),
];

/// The login may delete tenants' rows for a purge, and nothing else.
const TENANTS_ROWS: &[Attempt] = &[
    (
        "ALTER TABLE patients DISABLE ROW LEVEL SECURITY",
        "must be owner of table patients",
    ),
    (
        "GRANT UPDATE ON patients TO akili_operator; UPDATE patients SET secret = 'mine'",
        "permission denied for table patients",
    ),
    ("TRUNCATE patients", "permission denied for table patients"),
];
