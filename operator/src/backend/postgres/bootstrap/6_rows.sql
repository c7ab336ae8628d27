
-- A purged tenant's rows ------------------------------------------------------------

-- Returns the tenants' tables in which this tenant has rows: their number, counted up to
-- at_most, and the tables that have foreign keys to them. Runs with the DBA's rights, which
-- no policy restricts: if the operator's policy were dropped from a table, the operator
-- would see no rows and report them as deleted.
CREATE OR REPLACE FUNCTION akili_guard.tenant_rows(tenant uuid, at_most bigint)
RETURNS TABLE (relation oid, name text, counted bigint, referred_by oid[])
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
BEGIN
    FOR relation, name IN
        SELECT t.relation::oid, t.relation::text
        FROM akili_guard.tenant_tables t JOIN pg_class c ON c.oid = t.relation
        -- The rows of a partitioned table are those of its partitions.
        WHERE c.relkind = 'r'
        ORDER BY 2
    LOOP
        EXECUTE format(
            'SELECT count(*) FROM (SELECT FROM ONLY %s WHERE tenant_id = $1 LIMIT $2) AS part',
            name) INTO counted USING tenant, at_most;
        IF counted > 0 THEN
            referred_by := ARRAY(
                SELECT DISTINCT con.conrelid FROM pg_constraint con
                WHERE con.contype = 'f' AND con.confrelid = relation);
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;

-- Deletes rows of this tenant from one table, with the caller's rights: at most at_most
-- rows, and for some seconds only, because without an index for a foreign key to the table
-- each row costs a scan of the referring table. Returns the number of deleted rows.
CREATE OR REPLACE FUNCTION akili_guard.delete_tenant_rows(
    tenant uuid, target oid, at_most bigint
) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
    began constant timestamptz := clock_timestamp();
    named text;
    batch bigint := 10;
    gone bigint;
    deleted bigint := 0;
BEGIN
    SELECT t.relation::text INTO named
    FROM akili_guard.tenant_tables t WHERE t.relation = target::regclass;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    LOOP
        EXECUTE format(
            'DELETE FROM ONLY %1$s WHERE tenant_id = $1 AND ctid = ANY (ARRAY( '
            'SELECT ctid FROM ONLY %1$s WHERE tenant_id = $1 LIMIT $2))',
            named) USING tenant, least(batch, at_most - deleted);
        GET DIAGNOSTICS gone = ROW_COUNT;
        deleted := deleted + gone;
        EXIT WHEN gone = 0 OR deleted >= at_most
            OR clock_timestamp() - began > interval '2 seconds';
        batch := batch * 2;
    END LOOP;
    RETURN deleted;
END
$$;

-- Deletes all rows of this tenant from tables that refer to themselves or to each other.
-- Foreign keys allow that only in one statement. Returns the number of deleted rows.
CREATE OR REPLACE FUNCTION akili_guard.delete_tenant_rows_together(
    tenant uuid, targets oid[]
) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
    parts text;
    total text;
    deleted bigint;
BEGIN
    SELECT
        string_agg(format(
            'part_%s AS (DELETE FROM ONLY %s WHERE tenant_id = $1 RETURNING 1)',
            n, t.relation), ', '),
        string_agg(format('(SELECT count(*) FROM part_%s)', n), ' + ')
    INTO parts, total
    FROM unnest(targets) WITH ORDINALITY AS asked (target, n)
        JOIN akili_guard.tenant_tables t ON t.relation = asked.target::regclass;
    IF parts IS NULL THEN
        RETURN 0;
    END IF;
    EXECUTE 'WITH ' || parts || ' SELECT ' || total INTO deleted USING tenant;
    RETURN deleted;
END
$$;
