
-- Version of the bootstrap: increase it, here and in bootstrap.rs, with every change of
-- behavior.
CREATE OR REPLACE FUNCTION akili_guard.version() RETURNS integer
LANGUAGE sql IMMUTABLE
RETURN 2;

-- Privileges ------------------------------------------------------------------------

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA akili_guard FROM PUBLIC;

-- Most functions run with the caller's rights; those with the DBA's rights check their
-- arguments.
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA akili_guard TO akili_operator;

GRANT SELECT ON
    akili_guard.tenant_schemas,
    akili_guard.tenant_tables,
    akili_guard.foreign_key_gaps,
    akili_guard.default_sequences
TO akili_operator;

-- Policies call these functions as the role that runs the query.
GRANT EXECUTE ON FUNCTION
    akili_guard.session_is_bound(),
    akili_guard.current_tenant_id(),
    akili_guard.readable_tenant_id(),
    akili_guard.writable_tenant_id()
TO PUBLIC;

DO $$
BEGIN
    PERFORM akili_guard.enforce_isolation('akili_guard.pattern');
    PERFORM akili_guard.set_grants('akili_guard.pattern', open => true);
END
$$;
