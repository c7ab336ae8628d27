
-- Identity: the tenant of a session, and its rights ---------------------------
--
-- All functions here use session_user. A session can change current_user (SET ROLE, a
-- view, a SECURITY DEFINER function), but not session_user.
--
-- The functions belong to akili_reader, which can read the registry and nothing else. The
-- registry belongs to the operator, which could replace its table by a view that calls
-- other code. Such code would run without privileges, and only in sessions of tenants and
-- services.

-- Returns whether the login is bound: a tenant's or a service's login, which sees the rows
-- of one tenant or none. Superusers are members of every role, but are not bound.
CREATE OR REPLACE FUNCTION akili_guard.is_bound(login name) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN NOT (SELECT rolsuper FROM pg_roles WHERE rolname = login)
        AND (pg_has_role(login, 'akili_tenant', 'MEMBER')
            OR pg_has_role(login, 'akili_service', 'MEMBER'));
END
$$;

CREATE OR REPLACE FUNCTION akili_guard.session_is_bound() RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN akili_guard.is_bound(session_user);
END
$$;

-- Returns the tenant of the session. A tenant's login has its own tenant, regardless of
-- settings. A service's login chooses a tenant: set_config('akili.tenant_id', $1, true),
-- which ends with the transaction and leaves '' behind. Other logins have no tenant.
CREATE OR REPLACE FUNCTION akili_guard.current_tenant_id() RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT akili_guard.session_is_bound() THEN
        RETURN NULL;
    END IF;
    IF pg_has_role(session_user, 'akili_tenant', 'MEMBER') THEN
        RETURN substring(session_user::text FROM '^tenant_([0-9a-f]{32})$')::uuid;
    END IF;
    RETURN nullif(current_setting('akili.tenant_id', true), '')::uuid;
END
$$;

-- Returns the current tenant, if its state allows reads.
CREATE OR REPLACE FUNCTION akili_guard.readable_tenant_id() RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT akili_guard.session_is_bound() THEN
        RETURN NULL;
    END IF;
    RETURN (SELECT id FROM akili.tenants
            WHERE id = akili_guard.current_tenant_id() AND state IN ('ACTIVE', 'SUSPENDED'));
END
$$;

-- Returns the current tenant, if its state allows writes.
CREATE OR REPLACE FUNCTION akili_guard.writable_tenant_id() RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT akili_guard.session_is_bound() THEN
        RETURN NULL;
    END IF;
    RETURN (SELECT id FROM akili.tenants
            WHERE id = akili_guard.current_tenant_id() AND state = 'ACTIVE');
END
$$;

-- Raises an error unless the tenant's state allows writes.
CREATE OR REPLACE FUNCTION akili_guard.require_active(tenant uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    entry record;
BEGIN
    SELECT slug, state INTO entry FROM akili.tenants WHERE id = tenant;
    IF NOT FOUND THEN
        RAISE insufficient_privilege USING MESSAGE = format('there is no tenant %s', tenant);
    ELSIF entry.state = 'SUSPENDED' THEN
        RAISE insufficient_privilege USING
            MESSAGE = format('tenant %s is suspended', entry.slug),
            HINT = 'Its data can be read, but not changed, until it is active again.';
    ELSIF entry.state = 'ARCHIVED' THEN
        RAISE insufficient_privilege USING MESSAGE = format('tenant %s is archived', entry.slug);
    ELSIF entry.state <> 'ACTIVE' THEN
        RAISE insufficient_privilege USING
            MESSAGE = format('tenant %s is not ready yet', entry.slug);
    END IF;
END
$$;

-- Row-level security rejects an INSERT with an error, but lets UPDATE and DELETE change
-- no rows without an error. This trigger raises the reason, once per statement.
--
-- The trigger also holds the tenant's gate until the transaction ends, so that closing the
-- gate waits for open writes, and a transaction whose snapshot is older than the suspension
-- fails to serialize. The state is checked on both sides of the gate: before, so that no
-- new transaction delays the closing of the gate; after, because the state may have changed
-- meanwhile.
CREATE OR REPLACE FUNCTION akili_guard.refuse_unless_active() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tenant uuid;
BEGIN
    IF NOT akili_guard.session_is_bound() THEN
        RETURN NULL;
    END IF;
    tenant := akili_guard.current_tenant_id();
    IF tenant IS NULL THEN
        RAISE insufficient_privilege USING
            MESSAGE = 'no tenant is chosen',
            HINT = 'In the transaction: SELECT set_config(''akili.tenant_id'', <id>, true).';
    END IF;
    PERFORM akili_guard.require_active(tenant);
    PERFORM FROM akili.write_gates WHERE tenant_id = tenant FOR SHARE;
    PERFORM akili_guard.require_active(tenant);
    RETURN NULL;
END
$$;

-- TRUNCATE ignores row-level security: it would empty the table for every tenant.
CREATE OR REPLACE FUNCTION akili_guard.refuse_truncate() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF akili_guard.session_is_bound() THEN
        RAISE insufficient_privilege USING
            MESSAGE = format('TRUNCATE of %I.%I would remove every tenant''s rows',
                             TG_TABLE_SCHEMA, TG_TABLE_NAME),
            HINT = 'DELETE removes the rows of one tenant.';
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION akili_guard.is_bound(name) OWNER TO akili_reader;
ALTER FUNCTION akili_guard.session_is_bound() OWNER TO akili_reader;
ALTER FUNCTION akili_guard.current_tenant_id() OWNER TO akili_reader;
ALTER FUNCTION akili_guard.readable_tenant_id() OWNER TO akili_reader;
ALTER FUNCTION akili_guard.writable_tenant_id() OWNER TO akili_reader;
ALTER FUNCTION akili_guard.require_active(uuid) OWNER TO akili_reader;
ALTER FUNCTION akili_guard.refuse_unless_active() OWNER TO akili_reader;
ALTER FUNCTION akili_guard.refuse_truncate() OWNER TO akili_reader;
