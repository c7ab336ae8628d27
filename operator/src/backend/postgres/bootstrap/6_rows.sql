
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

-- Deletes rows of this tenant, with the caller's rights: of each of these tables no
-- more than at_most, or all if that is null. One statement, so that tables which refer
-- to each other can be emptied together. Says how many rows went.
CREATE OR REPLACE FUNCTION akili_guard.delete_tenant_rows(
    tenant uuid, relations oid[], at_most bigint
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
            'part_%s AS (DELETE FROM ONLY %s WHERE tenant_id = $1 AND ctid = ANY (ARRAY( '
            'SELECT ctid FROM ONLY %2$s WHERE tenant_id = $1 LIMIT $2)) RETURNING 1)',
            n, t.relation), ', '),
        string_agg(format('(SELECT count(*) FROM part_%s)', n), ' + ')
    INTO parts, total
    FROM unnest(relations) WITH ORDINALITY AS asked (relation, n)
        JOIN akili_guard.tenant_tables t ON t.relation = asked.relation::regclass;
    IF parts IS NULL THEN
        RETURN 0;
    END IF;
    EXECUTE 'WITH ' || parts || ' SELECT ' || total INTO deleted USING tenant, at_most;
    RETURN deleted;
END
$$;
