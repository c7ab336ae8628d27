//! What a tenant can try with its login, on the tables themselves.

use super::case::{Case, answers, refused};
use super::clinic::{ALPHA, Clinic};

const READ: &str = "SELECT secret FROM patients";

/// Whatever it sets, it stays the tenant that logged in.
pub fn stays_itself(clinic: &Clinic, neighbour: &str) -> Vec<Case> {
    let other = &clinic.other;
    let set_config = |local: bool| {
        format!("SELECT FROM set_config('akili.tenant_id', '{other}', {local}); {READ}")
    };
    let mut cases = vec![
        answers("a plain query", READ, ALPHA),
        answers(
            "SET of another's id",
            format!("SET akili.tenant_id = '{other}'; {READ}"),
            ALPHA,
        ),
        answers("set_config for the session", set_config(false), ALPHA),
        answers("set_config for the transaction", set_config(true), ALPHA),
        answers(
            "SET ROLE to the tenants' group",
            format!("SET ROLE akili_tenant; {READ}"),
            ALPHA,
        ),
        answers(
            "RESET ROLE",
            format!("SET ROLE akili_tenant; RESET ROLE; {READ}"),
            ALPHA,
        ),
        refused(
            "SET SESSION AUTHORIZATION to another tenant",
            format!("SET SESSION AUTHORIZATION {neighbour}; {READ}"),
            "permission denied to set session authorization",
        ),
        refused(
            "row_security switched off",
            format!("SET row_security = off; {READ}"),
            "would be affected by row-level security",
        ),
        refused(
            "triggers switched off",
            "SET session_replication_role = replica",
            "permission denied to set parameter",
        ),
        answers(
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
        refused(
            format!("SET ROLE to {named}"),
            format!("SET ROLE {role}; {READ}"),
            "permission denied to set role",
        )
    }));
    cases
}

/// Every way to read shows its own rows.
pub fn reads_its_own(clinic: &Clinic) -> Vec<Case> {
    let other = &clinic.other;
    vec![
        answers(
            "SELECT by another's id",
            format!("{READ} WHERE tenant_id = '{other}'"),
            "",
        ),
        answers("SELECT … FOR UPDATE", format!("{READ} FOR UPDATE"), ALPHA),
        answers(
            "TABLESAMPLE",
            format!("{READ} TABLESAMPLE SYSTEM (100)"),
            ALPHA,
        ),
        answers(
            "a function of its own that tells what it is asked about",
            "CREATE FUNCTION pg_temp.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 \
                 AS 'BEGIN RAISE NOTICE ''%'', $1; RETURN true; END'; \
             SELECT secret FROM patients WHERE pg_temp.tell(secret)",
            ALPHA,
        ),
        answers(
            "the planner's statistics",
            "SELECT most_common_vals FROM pg_stats WHERE tablename = 'patients'",
            "",
        ),
        answers(
            "COPY a table TO STDOUT",
            "COPY patients (secret) TO STDOUT",
            ALPHA,
        ),
        answers(
            "COPY a query TO STDOUT",
            format!("COPY ({READ}) TO STDOUT"),
            ALPHA,
        ),
        refused(
            "COPY TO a file",
            "COPY patients TO '/tmp/patients'",
            "pg_write_server_files",
        ),
        refused(
            "COPY TO PROGRAM",
            "COPY patients TO PROGRAM 'cat'",
            "pg_execute_server_program",
        ),
    ]
}

/// Its own rows it can change, and no others.
pub fn writes_its_own(clinic: &Clinic) -> Vec<Case> {
    const VIOLATED: &str = "violates row-level security policy";
    let Clinic { own, other, .. } = clinic;
    vec![
        answers(
            "INSERT, UPDATE and DELETE of its own",
            format!(
                "INSERT INTO tickets (tenant_id, secret) VALUES ('{own}', 'mine'); \
                 UPDATE tickets SET secret = 'changed' WHERE secret = 'mine'; \
                 DELETE FROM tickets WHERE secret = 'changed' RETURNING secret"
            ),
            "changed",
        ),
        refused(
            "INSERT with another's id",
            format!("INSERT INTO patients VALUES ('{other}', 9, 'mine')"),
            VIOLATED,
        ),
        answers(
            "INSERT … ON CONFLICT with its own row",
            format!(
                "INSERT INTO tickets VALUES ('{own}', 1, 'mine') \
                 ON CONFLICT (id) DO UPDATE SET secret = 'mine' RETURNING secret"
            ),
            "mine",
        ),
        refused(
            "INSERT … ON CONFLICT with another's row",
            format!(
                "INSERT INTO tickets VALUES ('{own}', 2, 'mine') \
                 ON CONFLICT (id) DO UPDATE SET secret = 'mine'"
            ),
            VIOLATED,
        ),
        refused(
            "INSERT … ON CONFLICT that gives its row away",
            format!(
                "INSERT INTO tickets VALUES ('{own}', 1, 'mine') \
                 ON CONFLICT (id) DO UPDATE SET tenant_id = '{other}'"
            ),
            VIOLATED,
        ),
        answers(
            "MERGE that deletes whatever matches",
            "MERGE INTO tickets USING (VALUES (1), (2)) AS wanted (id) ON tickets.id = wanted.id \
                 WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN DO NOTHING; \
             SELECT count(*) FROM tickets",
            "0",
        ),
        refused(
            "MERGE onto another's row",
            format!(
                "MERGE INTO tickets USING (VALUES (2)) AS wanted (id) ON tickets.id = wanted.id \
                     WHEN MATCHED THEN UPDATE SET secret = 'mine' \
                     WHEN NOT MATCHED THEN INSERT VALUES ('{own}', 2, 'mine')"
            ),
            "duplicate key",
        ),
        refused(
            "MERGE that inserts with another's id",
            format!(
                "MERGE INTO tickets USING (VALUES (3)) AS wanted (id) ON tickets.id = wanted.id \
                     WHEN NOT MATCHED THEN INSERT VALUES ('{other}', 3, 'mine')"
            ),
            VIOLATED,
        ),
        answers(
            "UPDATE of everything",
            "UPDATE patients SET secret = 'mine' RETURNING secret",
            "mine",
        ),
        refused(
            "UPDATE of tenant_id",
            format!("UPDATE tickets SET tenant_id = '{other}'"),
            VIOLATED,
        ),
        answers(
            "UPDATE by another's id",
            format!(
                "UPDATE tickets SET tenant_id = '{own}' WHERE tenant_id = '{other}' RETURNING id"
            ),
            "",
        ),
        answers(
            "DELETE of everything",
            "DELETE FROM patients RETURNING secret",
            ALPHA,
        ),
        refused(
            "TRUNCATE",
            "TRUNCATE tickets",
            "permission denied for table tickets",
        ),
        refused(
            "COPY FROM",
            "COPY tickets FROM STDIN",
            "COPY FROM not supported with row-level security",
        ),
        refused(
            "a shared sequence set back",
            "SELECT setval('tickets_id_seq', 1)",
            "permission denied for sequence tickets_id_seq",
        ),
    ]
}

/// The rules aren't its own to change, nor the registry behind them.
pub fn changes_no_rules(clinic: &Clinic) -> Vec<Case> {
    let other = &clinic.other;
    let mut cases = vec![
        refused(
            "row-level security disabled",
            "ALTER TABLE patients DISABLE ROW LEVEL SECURITY",
            "must be owner of table patients",
        ),
        refused(
            "a policy of its own",
            "CREATE POLICY mine ON patients USING (true)",
            "must be owner of table patients",
        ),
        refused(
            "our policy dropped",
            "DROP POLICY akili_state ON patients",
            "must be owner of",
        ),
        refused(
            "our trigger dropped",
            "DROP TRIGGER akili_refuse_unless_active ON patients",
            "must be owner of",
        ),
        refused(
            "a trigger of its own",
            "CREATE TRIGGER mine BEFORE INSERT ON patients \
                 FOR EACH STATEMENT EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "permission denied for table patients",
        ),
        refused(
            "a table of its own",
            "CREATE TABLE mine (n int)",
            "permission denied for schema public",
        ),
        refused(
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
        refused(what, sql, "permission denied for schema akili")
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
        refused(
            format!("akili_guard.{}", call.replace(other, "…")),
            format!("SELECT akili_guard.{call}"),
            "permission denied for schema akili_guard",
        )
    }));
    cases
}
