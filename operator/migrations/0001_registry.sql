-- The registry: which tenants there are, under which id, in which state.
--
-- It is the durable source of all three. Tenants' and services' sessions learn
-- their own tenant's state from here, through functions that belong to
-- akili_reader (see the bootstrap SQL); nobody but the operator reads the rest.

CREATE TABLE akili.tenants (
    id uuid PRIMARY KEY CHECK (id <> '00000000-0000-0000-0000-000000000000'),
    slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z][a-z0-9-]{1,61}[a-z0-9]$'),
    state text NOT NULL DEFAULT 'PROVISIONING'
        CHECK (state IN ('PROVISIONING', 'ACTIVE', 'SUSPENDED', 'ARCHIVED')),
    created_at timestamptz NOT NULL DEFAULT now(),
    suspended_at timestamptz,
    archived_at timestamptz,
    purge_after timestamptz,
    purged_at timestamptz,

    CONSTRAINT suspended_since CHECK (state <> 'SUSPENDED' OR suspended_at IS NOT NULL),
    CONSTRAINT archived_since CHECK ((state = 'ARCHIVED') = (archived_at IS NOT NULL)),
    CONSTRAINT archived_until CHECK ((archived_at IS NULL) = (purge_after IS NULL)),
    CONSTRAINT purged_is_archived CHECK (purged_at IS NULL OR state = 'ARCHIVED')
);

-- What no update may do, whatever the operator believes at that moment.
CREATE FUNCTION akili.keep_tenant() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF OLD.purged_at IS NOT NULL THEN
        RAISE check_violation USING
            MESSAGE = format('tenant %s was purged: its slug is retired', OLD.slug);
    ELSIF (NEW.id, NEW.slug, NEW.created_at) IS DISTINCT FROM (OLD.id, OLD.slug, OLD.created_at) THEN
        RAISE check_violation USING
            MESSAGE = format('id and slug of tenant %s are for ever', OLD.slug);
    ELSIF OLD.state = 'ARCHIVED' AND (NEW.state, NEW.archived_at) IS DISTINCT FROM ('ARCHIVED', OLD.archived_at) THEN
        RAISE check_violation USING
            MESSAGE = format('tenant %s is archived for ever', OLD.slug);
    ELSIF NEW.state = 'PROVISIONING' AND OLD.state <> 'PROVISIONING' THEN
        RAISE check_violation USING
            MESSAGE = format('tenant %s is provisioned already', OLD.slug);
    END IF;
    RETURN NEW;
END
$$;

CREATE FUNCTION akili.keep_tenants() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE check_violation USING
        MESSAGE = 'the registry forgets no tenant',
        HINT = 'The row of a purged tenant stays, so that its slug and id are never used again.';
END
$$;

CREATE TRIGGER keep_tenant BEFORE UPDATE ON akili.tenants
    FOR EACH ROW EXECUTE FUNCTION akili.keep_tenant();
CREATE TRIGGER keep_tenants BEFORE DELETE OR TRUNCATE ON akili.tenants
    FOR EACH STATEMENT EXECUTE FUNCTION akili.keep_tenants();

-- Every transaction that writes a tenant's rows locks its gate FOR SHARE. To close
-- the gate, after the state has turned new writers away, is to have waited for all
-- who were writing. Not the tenant's row itself: an update of that would wait
-- behind writers who overlap for ever.
CREATE TABLE akili.write_gates (
    tenant_id uuid PRIMARY KEY REFERENCES akili.tenants,
    closed boolean NOT NULL DEFAULT false
);

CREATE FUNCTION akili.add_write_gate() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO akili.write_gates (tenant_id) VALUES (NEW.id);
    RETURN NULL;
END
$$;

CREATE TRIGGER add_write_gate AFTER INSERT ON akili.tenants
    FOR EACH ROW EXECUTE FUNCTION akili.add_write_gate();

-- The installation that works on these tenants: the uid of its kube-system
-- namespace. A rebuilt or a staging cluster must not.
CREATE TABLE akili.installation (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    kube_system_uid uuid NOT NULL,
    since timestamptz NOT NULL DEFAULT now()
);

-- Forced, so that a careless grant opens nothing.
ALTER TABLE akili.tenants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE akili.write_gates ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE akili.installation ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY operator ON akili.tenants TO akili_operator USING (true);
CREATE POLICY operator ON akili.write_gates TO akili_operator USING (true);
CREATE POLICY operator ON akili.installation TO akili_operator USING (true);

-- akili_reader sees what belongs to the session's own tenant. SELECT … FOR SHARE
-- asks for the right to update some column; the policy takes that right away again.
GRANT USAGE ON SCHEMA akili TO akili_reader;
GRANT SELECT (id, slug, state) ON akili.tenants TO akili_reader;
GRANT SELECT (tenant_id), UPDATE (tenant_id) ON akili.write_gates TO akili_reader;
CREATE POLICY reader ON akili.tenants FOR SELECT TO akili_reader
    USING (id = akili_guard.current_tenant_id());
CREATE POLICY reader ON akili.write_gates FOR SELECT TO akili_reader
    USING (tenant_id = akili_guard.current_tenant_id());
CREATE POLICY reader_locks ON akili.write_gates FOR UPDATE TO akili_reader
    USING (tenant_id = akili_guard.current_tenant_id()) WITH CHECK (false);
