-- The database of a clinic's software, as its makers would lay it out: tables of an
-- ordinary owner, and the ways in which people read them. It replaces what an
-- earlier run left.

BEGIN;
SET LOCAL client_min_messages = warning;

DROP SCHEMA IF EXISTS clinic_private, clinic_tools CASCADE;
DROP TABLE IF EXISTS payroll;
DROP FUNCTION IF EXISTS superusers_secrets();
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'clinic_owner', 'clinic_service', 'clinic_monolith', 'clinic_migrations', 'clinic_reports'
    ] LOOP
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('DROP OWNED BY %I CASCADE', name);
            EXECUTE format('DROP ROLE %I', name);
        END IF;
    END LOOP;
END
$$;

CREATE ROLE clinic_owner;
CREATE ROLE clinic_service LOGIN PASSWORD 'testbed' IN ROLE akili_service;
CREATE ROLE clinic_monolith LOGIN PASSWORD 'testbed' IN ROLE akili_service, clinic_owner;
CREATE ROLE clinic_migrations LOGIN PASSWORD 'testbed' IN ROLE akili_maintenance, clinic_owner;
CREATE ROLE clinic_reports LOGIN PASSWORD 'testbed';
GRANT USAGE, CREATE ON SCHEMA public TO clinic_owner;
GRANT USAGE ON SCHEMA public TO clinic_reports;

SET LOCAL ROLE clinic_owner;

CREATE TABLE patients (
    tenant_id uuid NOT NULL,
    id integer NOT NULL,
    secret text NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE TABLE visits (
    tenant_id uuid NOT NULL,
    patient integer NOT NULL,
    secret text NOT NULL,
    FOREIGN KEY (tenant_id, patient) REFERENCES patients ON UPDATE CASCADE ON DELETE CASCADE
);
-- A key that tenants share: an INSERT can meet another tenant's row.
CREATE TABLE tickets (
    tenant_id uuid NOT NULL,
    id serial PRIMARY KEY,
    secret text NOT NULL
);
ALTER SEQUENCE tickets_id_seq RESTART 100;
CREATE TABLE readings (
    tenant_id uuid NOT NULL,
    day date NOT NULL,
    secret text NOT NULL
) PARTITION BY RANGE (day);
CREATE TABLE readings_2026 PARTITION OF readings
    FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');

-- By hand, for somebody who is neither a tenant nor a service.
GRANT SELECT ON patients TO clinic_reports;

-- A view and a function that belong to the tables' owner.
CREATE VIEW owners_patients AS SELECT * FROM patients;
CREATE FUNCTION owners_secrets() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER
    AS 'SELECT secret FROM patients';
CREATE FUNCTION owners_discharge(tenant uuid) RETURNS bigint LANGUAGE sql SECURITY DEFINER
    AS 'WITH gone AS (DELETE FROM patients WHERE tenant_id = tenant RETURNING 1)
        SELECT count(*) FROM gone';
CREATE FUNCTION callers_secrets() RETURNS SETOF text LANGUAGE sql SECURITY INVOKER
    AS 'SELECT secret FROM patients';
GRANT SELECT, INSERT, UPDATE, DELETE ON owners_patients TO akili_tenant, akili_service;

-- The same of a login that sees every tenant's rows, when it is itself that asks.
SET LOCAL ROLE clinic_migrations;
CREATE VIEW migrations_patients AS SELECT * FROM patients;
CREATE FUNCTION migrations_secrets() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER
    AS 'SELECT secret FROM patients';
GRANT SELECT ON migrations_patients TO akili_tenant;

-- A superuser's view that is safe, and tables that are nobody else's business.
RESET ROLE;
CREATE VIEW patients_for_readers WITH (security_invoker = true) AS SELECT * FROM patients;
GRANT SELECT ON patients_for_readers TO akili_tenant;
CREATE TABLE payroll (secret text);
INSERT INTO payroll VALUES ('classified');
CREATE SCHEMA clinic_private;
CREATE TABLE clinic_private.staff (tenant_id uuid, secret text);
INSERT INTO clinic_private.staff VALUES (gen_random_uuid(), 'classified');

-- A schema that isn't the tenants', but open to everybody.
CREATE SCHEMA clinic_tools;
GRANT USAGE ON SCHEMA clinic_tools TO PUBLIC;

COMMIT;
