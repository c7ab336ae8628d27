
-- A purged tenant's rows ------------------------------------------------------------

-- The tenants' tables in which this tenant has rows: how many, counted up to at_most,
-- and which tables have foreign keys to it. With the DBA's rights, which no policy
-- binds: where one was taken away, the operator would see no rows and call them gone.
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
        -- A partitioned table has no rows but those of its partitions.
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

-- Deletes rows of this tenant from one table, with the caller's rights: no more than
-- at_most, and no longer than some seconds: where no index serves a foreign key to it,
-- each row costs a look at the whole other table. Says how many went.
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

-- Deletes all rows of this tenant from tables that refer to themselves or to each other:
-- by one statement, which is what lets them go. Says how many went.
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
