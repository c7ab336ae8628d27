-- Bootstrap of Akili. The DBA runs it once, as a superuser, in the platform's database.
--
-- Run it again after an upgrade: it updates an older installation and changes nothing
-- in a current one. It is one transaction. Afterwards set a password for the operator's
-- login (`\password akili_operator` in psql).
--
-- Security rule: the operator's login is an ordinary role. Schema akili belongs to the
-- operator and holds the registry (see operator/migrations). The few operations that need
-- privilege are functions of schema akili_guard, in which only the DBA can create
-- objects. These functions qualify every name, and those that run with the DBA's rights
-- read nothing that the operator could replace.

BEGIN;

SET LOCAL client_min_messages = warning;
SET LOCAL search_path = pg_catalog, pg_temp;

DO $$
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RAISE insufficient_privilege USING
            MESSAGE = 'the bootstrap must run as a superuser',
            HINT = 'Connect as the database''s administrator, for instance postgres.';
    END IF;
END
$$;

-- akili_operator     the operator's only login
-- akili_tenant       group of the tenants' logins; a grant to it is a grant to every tenant
-- akili_service      group of the services' logins, which choose a tenant per transaction
-- akili_maintenance  group of the services' logins for schema migrations: every tenant's rows
-- akili_reader       owns the functions that read the registry; has no other right
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY[
        'akili_operator', 'akili_tenant', 'akili_service', 'akili_maintenance', 'akili_reader'
    ] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I', wanted);
        END IF;
        EXECUTE format(
            'ALTER ROLE %I %s NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS',
            wanted, CASE wanted WHEN 'akili_operator' THEN 'LOGIN' ELSE 'NOLOGIN' END);
        EXECUTE format(
            'GRANT CONNECT ON DATABASE %I TO %I', current_database(), wanted);
    END LOOP;
END
$$;

CREATE SCHEMA IF NOT EXISTS akili AUTHORIZATION akili_operator;
CREATE SCHEMA IF NOT EXISTS akili_guard;

-- A schema of this name that existed before and has another owner can't be used: nothing
-- in it can be trusted.
DO $$
DECLARE
    other record;
BEGIN
    SELECT n.nspname AS schema, o.rolname AS owner INTO other
    FROM pg_namespace n
        JOIN pg_roles o ON o.oid = n.nspowner
    WHERE n.nspname = 'akili' AND o.rolname <> 'akili_operator'
        OR n.nspname = 'akili_guard' AND NOT o.rolsuper;
    IF FOUND THEN
        RAISE object_not_in_prerequisite_state USING
            MESSAGE = format('schema %s belongs to %s', other.schema, other.owner),
            HINT = 'Rename it, or use another database for the platform.';
    END IF;
END
$$;

REVOKE ALL ON SCHEMA akili_guard FROM PUBLIC;
GRANT USAGE ON SCHEMA akili_guard TO akili_operator, akili_reader;

-- The schemas that hold tenants' tables. The DBA decides, not the operator: otherwise
-- the operator's login could open any table that has a tenant_id.
CREATE TABLE IF NOT EXISTS akili_guard.tenant_schemas (
    name name PRIMARY KEY
        CHECK (name !~ '^pg_' AND name NOT IN ('information_schema', 'akili', 'akili_guard'))
);

-- Reference for the protection of tables: has the protection and never a row. Drift is a
-- difference from this table, so no expression is compared with a text that the next
-- PostgreSQL release might print differently. The lock on this table serializes changes of
-- protection and roles: an advisory lock could be held by any tenant, without limit.
CREATE TABLE IF NOT EXISTS akili_guard.pattern (
    tenant_id uuid CHECK (false)
);
