
-- Tenant-scoped tables and their protection -----------------------------------

-- Ordinary and partitioned tables with a tenant_id uuid, and each partition: a query of a
-- partition applies the policies of the partition, not those of its parent.
CREATE OR REPLACE VIEW akili_guard.tenant_tables (relation, owner, acl) AS
    SELECT c.oid::regclass, c.relowner, coalesce(c.relacl, acldefault('r', c.relowner))
    FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN akili_guard.tenant_schemas s ON s.name = n.nspname
        JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relkind IN ('r', 'p')
        AND a.attname = 'tenant_id' AND a.atttypid = 'uuid'::regtype
        AND NOT a.attisdropped;

-- Foreign keys between tenants' tables that don't pair tenant_id with tenant_id: one
-- tenant's DELETE would cascade into another's rows. One row per side of the key.
CREATE OR REPLACE VIEW akili_guard.foreign_key_gaps (relation, foreign_key) AS
    SELECT side.relation::regclass, con.conname
    FROM pg_constraint con
        JOIN pg_attribute child ON child.attrelid = con.conrelid AND child.attname = 'tenant_id'
        JOIN pg_attribute parent ON parent.attrelid = con.confrelid AND parent.attname = 'tenant_id',
        LATERAL (SELECT con.conrelid UNION SELECT con.confrelid) AS side (relation)
    WHERE con.contype = 'f'
        AND NOT EXISTS (
            SELECT FROM unnest(con.conkey, con.confkey) AS pair (child, parent)
            WHERE pair.child = child.attnum AND pair.parent = parent.attnum);

-- Sequences that an INSERT uses by default (serial; identity columns need no grant). Only
-- sequences of the table's owner: a default can name any other sequence as well.
CREATE OR REPLACE VIEW akili_guard.default_sequences (relation, sequence) AS
    SELECT c.oid::regclass, s.oid::regclass
    FROM pg_attrdef d
        JOIN pg_class c ON c.oid = d.adrelid
        JOIN pg_depend dep ON dep.classid = 'pg_attrdef'::regclass AND dep.objid = d.oid
        JOIN pg_class s ON dep.refclassid = 'pg_class'::regclass AND s.oid = dep.refobjid
    WHERE s.relkind = 'S' AND s.relowner = c.relowner;

-- Creates a table's policies and triggers anew: five policies and two triggers for any
-- number of tenants. The operator owns all names that begin with akili_.
CREATE OR REPLACE FUNCTION akili_guard.enforce_isolation(target regclass) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    old name;
BEGIN
    FOR old IN SELECT polname FROM pg_policy
        WHERE polrelid = target AND polname LIKE 'akili\_%'
    LOOP
        EXECUTE format('DROP POLICY %I ON %s', old, target);
    END LOOP;
    FOR old IN SELECT tgname FROM pg_trigger
        WHERE tgrelid = target AND tgname LIKE 'akili\_%' AND NOT tgisinternal
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', old, target);
    END LOOP;

    -- Without FORCE the table's owner would see all rows.
    EXECUTE format(
        'ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', target);

    -- The sub-select is evaluated once per statement, so that an index on tenant_id is used.
    EXECUTE format($policy$
        CREATE POLICY akili_tenant ON %s TO PUBLIC
            USING (tenant_id = (SELECT akili_guard.current_tenant_id()))
    $policy$, target);

    -- The operator purges rows, and migrations of services rewrite them. These policies
    -- use session_user as well: a view that belongs to such a role opens nothing to its
    -- reader.
    EXECUTE format($policy$
        CREATE POLICY akili_operator ON %s TO akili_operator
            USING (session_user = 'akili_operator')
    $policy$, target);
    EXECUTE format($policy$
        CREATE POLICY akili_maintenance ON %s TO akili_maintenance
            USING ((SELECT pg_has_role(session_user, 'akili_maintenance', 'MEMBER')))
    $policy$, target);

    -- Restrictive, so no other policy can widen them: a session of a tenant or a service
    -- gets only the rows of its tenant, and only while the tenant's state allows it.
    EXECUTE format($policy$
        CREATE POLICY akili_state ON %s AS RESTRICTIVE TO PUBLIC
            USING (tenant_id = (SELECT akili_guard.readable_tenant_id())
                   OR NOT (SELECT akili_guard.session_is_bound()))
            WITH CHECK (tenant_id = (SELECT akili_guard.writable_tenant_id())
                        OR NOT (SELECT akili_guard.session_is_bound()))
    $policy$, target);
    EXECUTE format($policy$
        CREATE POLICY akili_state_delete ON %s AS RESTRICTIVE FOR DELETE TO PUBLIC
            USING (tenant_id = (SELECT akili_guard.writable_tenant_id())
                   OR NOT (SELECT akili_guard.session_is_bound()))
    $policy$, target);

    EXECUTE format($trigger$
        CREATE TRIGGER akili_refuse_unless_active
            BEFORE INSERT OR UPDATE OR DELETE ON %s
            FOR EACH STATEMENT EXECUTE FUNCTION akili_guard.refuse_unless_active()
    $trigger$, target);
    EXECUTE format($trigger$
        CREATE TRIGGER akili_refuse_truncate
            BEFORE TRUNCATE ON %s
            FOR EACH STATEMENT EXECUTE FUNCTION akili_guard.refuse_truncate()
    $trigger$, target);
END
$$;

-- Grants the groups' privileges on a table and revokes all others from tenants. A table
-- that can't be made safe is granted to the operator only.
CREATE OR REPLACE FUNCTION akili_guard.set_grants(target regclass, open boolean) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    grantee name;
    draws_from regclass;
BEGIN
    EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, akili_tenant, akili_service', target);
    FOR grantee IN
        SELECT DISTINCT r.rolname
        FROM pg_class c
            LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL,
            LATERAL aclexplode(coalesce(c.relacl, '{}') || coalesce(a.attacl, '{}')) AS held
            JOIN pg_roles r ON r.oid = held.grantee
        WHERE c.oid = target AND r.rolname ~ '^tenant_[0-9a-f]{32}$'
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %I', target, grantee);
    END LOOP;

    EXECUTE format('GRANT SELECT, DELETE ON %s TO akili_operator', target);
    IF open THEN
        EXECUTE format(
            'GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO akili_tenant, akili_service', target);
        FOR draws_from IN
            SELECT s.sequence FROM akili_guard.default_sequences s WHERE s.relation = target
        LOOP
            EXECUTE format(
                'GRANT USAGE ON SEQUENCE %s TO akili_tenant, akili_service', draws_from);
        END LOOP;
    END IF;
END
$$;

-- Protects a tenant-scoped table, or repairs its protection. The operator calls this
-- function for tables in which akili_guard.coverage finds a gap. One transaction: tenants
-- get access last, and only to a table that is safe.
CREATE OR REPLACE FUNCTION akili_guard.protect_table(target regclass) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
    named text := target::text;
    home name;
BEGIN
    IF NOT EXISTS (SELECT FROM akili_guard.tenant_tables t WHERE t.relation = target) THEN
        RAISE wrong_object_type USING
            MESSAGE = format('%s is not a table with a tenant_id uuid in a tenants'' schema', named),
            HINT = 'The DBA lists those schemas in akili_guard.tenant_schemas.';
    END IF;

    LOCK TABLE akili_guard.pattern IN SHARE ROW EXCLUSIVE MODE;
    EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', named);
    IF to_regclass(named) IS DISTINCT FROM target
        OR NOT EXISTS (SELECT FROM akili_guard.tenant_tables t WHERE t.relation = target)
    THEN
        RAISE lock_not_available USING MESSAGE = format('%s was just changed by another', named);
    END IF;

    PERFORM akili_guard.enforce_isolation(target);
    PERFORM akili_guard.set_grants(
        target,
        open => NOT EXISTS (SELECT FROM akili_guard.foreign_key_gaps g WHERE g.relation = target));

    SELECT relnamespace::regnamespace::text INTO home FROM pg_class WHERE oid = target;
    EXECUTE format(
        'GRANT USAGE ON SCHEMA %s TO akili_tenant, akili_service, akili_operator', home);
END
$$;
