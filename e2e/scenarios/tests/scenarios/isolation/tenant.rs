//! Statements of a tenant's login on the tables.

use super::case::{Case, prints, rejected};
use super::test_schema::{ALPHA, TestSchema};

const READ: &str = "SELECT secret FROM patients";

/// No setting changes the tenant of a login.
pub fn stays_itself(schema: &TestSchema, neighbour: &str) -> Vec<Case> {
    let other = &schema.other;
    let set_config = |local: bool| {
        format!("SELECT FROM set_config('akili.tenant_id', '{other}', {local}); {READ}")
    };
    let mut cases = vec![
        prints("a plain query", READ, ALPHA),
        prints(
            "SET of another's id",
            format!("SET akili.tenant_id = '{other}'; {READ}"),
            ALPHA,
        ),
        prints("set_config for the session", set_config(false), ALPHA),
        prints("set_config for the transaction", set_config(true), ALPHA),
        prints(
            "SET ROLE to the tenants' group",
            format!("SET ROLE akili_tenant; {READ}"),
            ALPHA,
        ),
        prints(
            "RESET ROLE",
            format!("SET ROLE akili_tenant; RESET ROLE; {READ}"),
            ALPHA,
        ),
        rejected(
            "SET SESSION AUTHORIZATION to another tenant",
            format!("SET SESSION AUTHORIZATION {neighbour}; {READ}"),
            "permission denied to set session authorization",
        ),
        rejected(
            "row_security switched off",
            format!("SET row_security = off; {READ}"),
            "would be affected by row-level security",
        ),
        rejected(
            "triggers switched off",
            "SET session_replication_role = replica",
            "permission denied to set parameter",
        ),
        prints(
            "a catalog of its own in front of the real one",
            format!(
                "CREATE TEMPORARY TABLE pg_roles AS SELECT session_user AS rolname, true AS rolsuper; \
                 SET search_path = pg_temp, public, pg_catalog; {READ}"
            ),
            ALPHA,
        ),
    ];
    let roles = [
        neighbour,
        "akili_service",
        "akili_maintenance",
        "akili_operator",
        "akili_reader",
        "clinic_owner",
        "postgres",
    ];
    cases.extend(roles.map(|role| {
        let named = if role == neighbour {
            "another tenant"
        } else {
            role
        };
        rejected(
            format!("SET ROLE to {named}"),
            format!("SET ROLE {role}; {READ}"),
            "permission denied to set role",
        )
    }));
    cases
}

/// Every kind of read shows the tenant's own rows only.
pub fn reads_its_own(schema: &TestSchema) -> Vec<Case> {
    let other = &schema.other;
    vec![
        prints(
            "SELECT by another's id",
            format!("{READ} WHERE tenant_id = '{other}'"),
            "",
        ),
        prints("SELECT … FOR UPDATE", format!("{READ} FOR UPDATE"), ALPHA),
        prints(
            "TABLESAMPLE",
            format!("{READ} TABLESAMPLE SYSTEM (100)"),
            ALPHA,
        ),
        prints(
            "a function of its own that leaks its argument",
            "CREATE FUNCTION pg_temp.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 \
                 AS 'BEGIN RAISE NOTICE ''%'', $1; RETURN true; END'; \
             SELECT secret FROM patients WHERE pg_temp.leak(secret)",
            ALPHA,
        ),
        prints(
            "the planner's statistics",
            "SELECT most_common_vals FROM pg_stats WHERE tablename = 'patients'",
            "",
        ),
        prints(
            "COPY a table TO STDOUT",
            "COPY patients (secret) TO STDOUT",
            ALPHA,
        ),
        prints(
            "COPY a query TO STDOUT",
            format!("COPY ({READ}) TO STDOUT"),
            ALPHA,
        ),
        rejected(
            "COPY TO a file",
            "COPY patients TO '/tmp/patients'",
            "pg_write_server_files",
        ),
        rejected(
            "COPY TO PROGRAM",
            "COPY patients TO PROGRAM 'cat'",
            "pg_execute_server_program",
        ),
    ]
}

/// Writes change the tenant's own rows only.
pub fn writes_its_own(schema: &TestSchema) -> Vec<Case> {
    const VIOLATED: &str = "violates row-level security policy";
    let TestSchema { own, other, .. } = schema;
    vec![
        prints(
            "INSERT, UPDATE and DELETE of its own",
            format!(
                "INSERT INTO tickets (tenant_id, secret) VALUES ('{own}', 'mine'); \
                 UPDATE tickets SET secret = 'changed' WHERE secret = 'mine'; \
                 DELETE FROM tickets WHERE secret = 'changed' RETURNING secret"
            ),
            "changed",
        ),
        rejected(
            "INSERT with another's id",
            format!("INSERT INTO patients VALUES ('{other}', 9, 'mine')"),
            VIOLATED,
        ),
        prints(
            "INSERT … ON CONFLICT with its own row",
            format!(
                "INSERT INTO tickets VALUES ('{own}', 1, 'mine') \
                 ON CONFLICT (id) DO UPDATE SET secret = 'mine' RETURNING secret"
            ),
            "mine",
        ),
        rejected(
            "INSERT … ON CONFLICT with another's row",
            format!(
                "INSERT INTO tickets VALUES ('{own}', 2, 'mine') \
                 ON CONFLICT (id) DO UPDATE SET secret = 'mine'"
            ),
            VIOLATED,
        ),
        rejected(
            "INSERT … ON CONFLICT that gives its row away",
            format!(
                "INSERT INTO tickets VALUES ('{own}', 1, 'mine') \
                 ON CONFLICT (id) DO UPDATE SET tenant_id = '{other}'"
            ),
            VIOLATED,
        ),
        prints(
            "MERGE that deletes all matches",
            "MERGE INTO tickets USING (VALUES (1), (2)) AS wanted (id) ON tickets.id = wanted.id \
                 WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN DO NOTHING; \
             SELECT count(*) FROM tickets",
            "0",
        ),
        rejected(
            "MERGE onto another's row",
            format!(
                "MERGE INTO tickets USING (VALUES (2)) AS wanted (id) ON tickets.id = wanted.id \
                     WHEN MATCHED THEN UPDATE SET secret = 'mine' \
                     WHEN NOT MATCHED THEN INSERT VALUES ('{own}', 2, 'mine')"
            ),
            "duplicate key",
        ),
        rejected(
            "MERGE that inserts with another's id",
            format!(
                "MERGE INTO tickets USING (VALUES (3)) AS wanted (id) ON tickets.id = wanted.id \
                     WHEN NOT MATCHED THEN INSERT VALUES ('{other}', 3, 'mine')"
            ),
            VIOLATED,
        ),
        prints(
            "UPDATE of everything",
            "UPDATE patients SET secret = 'mine' RETURNING secret",
            "mine",
        ),
        rejected(
            "UPDATE of tenant_id",
            format!("UPDATE tickets SET tenant_id = '{other}'"),
            VIOLATED,
        ),
        prints(
            "UPDATE by another's id",
            format!(
                "UPDATE tickets SET tenant_id = '{own}' WHERE tenant_id = '{other}' RETURNING id"
            ),
            "",
        ),
        prints(
            "DELETE of everything",
            "DELETE FROM patients RETURNING secret",
            ALPHA,
        ),
        rejected(
            "TRUNCATE",
            "TRUNCATE tickets",
            "permission denied for table tickets",
        ),
        rejected(
            "COPY FROM",
            "COPY tickets FROM STDIN",
            "COPY FROM not supported with row-level security",
        ),
        rejected(
            "a shared sequence set back",
            "SELECT setval('tickets_id_seq', 1)",
            "permission denied for sequence tickets_id_seq",
        ),
    ]
}

/// A tenant can change neither the protection nor the registry.
pub fn changes_no_rules(schema: &TestSchema) -> Vec<Case> {
    let other = &schema.other;
    let mut cases = vec![
        rejected(
            "row-level security disabled",
            "ALTER TABLE patients DISABLE ROW LEVEL SECURITY",
            "must be owner of table patients",
        ),
        rejected(
            "a policy of its own",
            "CREATE POLICY mine ON patients USING (true)",
            "must be owner of table patients",
        ),
        rejected(
            "our policy dropped",
            "DROP POLICY akili_state ON patients",
            "must be owner of",
        ),
        rejected(
            "our trigger dropped",
            "DROP TRIGGER akili_refuse_unless_active ON patients",
            "must be owner of",
        ),
        rejected(
            "a trigger of its own",
            "CREATE TRIGGER mine BEFORE INSERT ON patients \
                 FOR EACH STATEMENT EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "permission denied for table patients",
        ),
        rejected(
            "a table of its own",
            "CREATE TABLE mine (n int)",
            "permission denied for schema public",
        ),
        rejected(
            "the operator's session ended",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'akili_operator'",
            "must be a member of the role whose process is being terminated",
        ),
    ];
    let registry = [
        format!("SELECT FROM akili.tenants WHERE id = '{other}'"),
        format!("UPDATE akili.tenants SET state = 'ACTIVE' WHERE id = '{other}'"),
        format!("DELETE FROM akili.tenants WHERE id = '{other}'"),
        format!("SELECT FROM akili.write_gates WHERE tenant_id = '{other}' FOR UPDATE"),
    ];
    cases.extend(registry.map(|sql| {
        let what = format!("the registry: {}", sql.replace(other, "…"));
        rejected(what, sql, "permission denied for schema akili")
    }));
    let guard = [
        format!("tenant_logins(ARRAY['{other}'::uuid])"),
        format!("ensure_tenant_login('{other}', NULL, true)"),
        format!("end_tenant_sessions('{other}')"),
        format!("drop_tenant_login('{other}')"),
        "end_sessions_blocking(1)".into(),
        "protect_table('patients')".into(),
        "set_grants('patients', true)".into(),
        "coverage(ARRAY['public'])".into(),
    ];
    cases.extend(guard.map(|call| {
        rejected(
            format!("akili_guard.{}", call.replace(other, "…")),
            format!("SELECT akili_guard.{call}"),
            "permission denied for schema akili_guard",
        )
    }));
    cases
}
