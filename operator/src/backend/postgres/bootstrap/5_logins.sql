
-- Tenants' logins ----------------------------------------------------------------

-- Returns the name of a tenant's login. All functions get the name from here, so that
-- they can't change any other role.
CREATE OR REPLACE FUNCTION akili_guard.tenant_login(tenant uuid) RETURNS name
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ('tenant_' || replace(tenant::text, '-', ''))::name
$$;

-- Creates or repairs a tenant's login: an ordinary role whose only membership is
-- akili_tenant, without settings of its own. Without a verifier the password stays; without
-- may_login the role can't log in.
CREATE OR REPLACE FUNCTION akili_guard.ensure_tenant_login(
    tenant uuid, verifier text, may_login boolean
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
    login name := akili_guard.tenant_login(tenant);
    membership record;
    setting record;
BEGIN
    IF tenant IS NULL OR may_login IS NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = 'a tenant and whether it may log in are needed';
    END IF;
    -- PostgreSQL would take any other text for a password in clear and hash it itself.
    IF verifier !~ '^SCRAM-SHA-256\$[0-9]{4,7}:[A-Za-z0-9+/]+={0,2}\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'the password is not a SCRAM-SHA-256 verifier';
    END IF;

    LOCK TABLE akili_guard.pattern IN SHARE ROW EXCLUSIVE MODE;

    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) THEN
        EXECUTE format('CREATE ROLE %I NOLOGIN', login);
    END IF;

    -- Excess rights are revoked before the role can log in.
    FOR membership IN
        SELECT granted.rolname AS role, grantor.rolname AS grantor
        FROM pg_auth_members m
            JOIN pg_roles granted ON granted.oid = m.roleid
            LEFT JOIN pg_roles grantor ON grantor.oid = m.grantor
        WHERE m.member = login::text::regrole
            AND (granted.rolname <> 'akili_tenant' OR m.admin_option)
    LOOP
        EXECUTE format('REVOKE %I FROM %I', membership.role, login)
            || coalesce(format(' GRANTED BY %I', membership.grantor), '') || ' CASCADE';
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_auth_members
                   WHERE member = login::text::regrole AND roleid = 'akili_tenant'::regrole)
    THEN
        EXECUTE format('GRANT akili_tenant TO %I', login);
    END IF;

    EXECUTE format('ALTER ROLE %I RESET ALL', login);
    FOR setting IN
        SELECT d.datname
        FROM pg_db_role_setting s
            JOIN pg_database d ON d.oid = s.setdatabase
        WHERE s.setrole = login::text::regrole
    LOOP
        EXECUTE format('ALTER ROLE %I IN DATABASE %I RESET ALL', login, setting.datname);
    END LOOP;

    EXECUTE format(
        'ALTER ROLE %I NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT '
        'VALID UNTIL ''infinity'' %s %s',
        login,
        CASE WHEN may_login THEN 'LOGIN' ELSE 'NOLOGIN' END,
        -- Not format() alone: without a verifier it would return PASSWORD NULL, which removes
        -- the password.
        CASE WHEN verifier IS NULL THEN '' ELSE format('PASSWORD %L', verifier) END);
END
$$;

-- Returns the logins of these tenants; a tenant without a login has no row.
--   sound            attributes, membership and settings match the specification
--   verifier_sha256  shows whether the stored password is the one that was set, without
--                    revealing it
--   sessions         number of open sessions
CREATE OR REPLACE FUNCTION akili_guard.tenant_logins(tenants uuid[])
RETURNS TABLE (tenant uuid, may_login boolean, sound boolean, verifier_sha256 text, sessions bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT wanted.tenant,
        r.rolcanlogin,
        r.rolinherit
            AND NOT (r.rolsuper OR r.rolcreatedb OR r.rolcreaterole OR r.rolreplication
                     OR r.rolbypassrls)
            AND coalesce(r.rolvaliduntil = 'infinity', true)
            AND NOT EXISTS (SELECT FROM pg_db_role_setting s WHERE s.setrole = r.oid)
            AND EXISTS (SELECT FROM pg_auth_members m
                        WHERE m.member = r.oid AND m.roleid = 'akili_tenant'::regrole)
            AND NOT EXISTS (SELECT FROM pg_auth_members m
                            WHERE m.member = r.oid
                                AND (m.roleid <> 'akili_tenant'::regrole OR m.admin_option)),
        encode(sha256(convert_to(r.rolpassword, 'UTF8')), 'hex'),
        coalesce(open.sessions, 0)
    FROM unnest(tenants) AS wanted (tenant)
        JOIN pg_authid r ON r.rolname = akili_guard.tenant_login(wanted.tenant)
        LEFT JOIN (SELECT usesysid, count(*) AS sessions
                   FROM pg_stat_activity GROUP BY usesysid) AS open ON open.usesysid = r.oid
$$;

-- Terminates the sessions of a tenant's login; returns their number.
CREATE OR REPLACE FUNCTION akili_guard.end_tenant_sessions(tenant uuid) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT count(*) FILTER (WHERE pg_terminate_backend(pid))
    FROM pg_stat_activity
    WHERE usename = akili_guard.tenant_login(tenant)
$$;

-- Terminates the sessions of tenants and services that block a session of the operator: a
-- change of state waits for every open write of its tenant. Returns their number.
CREATE OR REPLACE FUNCTION akili_guard.end_sessions_blocking(waiting integer) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT count(*) FILTER (WHERE pg_terminate_backend(blocker.pid))
    FROM pg_stat_activity AS ours
        JOIN pg_stat_activity AS blocker ON blocker.pid = ANY (pg_blocking_pids(ours.pid))
    WHERE ours.pid = waiting
        AND ours.usename = 'akili_operator'
        AND akili_guard.is_bound(blocker.usename)
$$;

-- Drops the login of a purged tenant, whose sessions must have ended. Deletes its large
-- objects, which any role can own. Fails, and names the objects, if the role owns anything
-- else or has manual grants.
CREATE OR REPLACE FUNCTION akili_guard.drop_tenant_login(tenant uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
    login name := akili_guard.tenant_login(tenant);
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) THEN
        RETURN;
    END IF;
    LOCK TABLE akili_guard.pattern IN SHARE ROW EXCLUSIVE MODE;
    EXECUTE format('ALTER ROLE %I NOLOGIN', login);
    IF EXISTS (SELECT FROM pg_stat_activity WHERE usename = login) THEN
        RAISE object_in_use USING
            MESSAGE = format('%s has open sessions', login),
            HINT = 'Take its login away and end them first.';
    END IF;
    PERFORM lo_unlink(oid) FROM pg_largeobject_metadata WHERE lomowner = login::text::regrole;
    EXECUTE format('DROP ROLE %I', login);
END
$$;
