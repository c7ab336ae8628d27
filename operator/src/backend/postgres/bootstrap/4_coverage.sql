
-- Coverage: gaps of all tables in one query -----------------------------------
--
-- One row per tenant-scoped table, with or without gaps, and one per other object that
-- breaks isolation. A gap is `code` or `code:object`. akili_guard.protect_table repairs
--   rls_disabled  rls_not_forced  policy:<name>  trigger:<name>
--   grant_missing  grant_excess
-- and the others need a human:
--   foreign_key:<name>    a foreign key without tenant_id on both sides
--   foreign_policy:<name> a permissive policy that isn't akili's
--   owned_by_tenant       a tenant owns the table and could disable the protection
--   tenant_id_type        tenant_id is no uuid, so the table isn't protected
--   unsupported_kind      a foreign table or materialized view: has no policies
--   unsafe_view           a view that reads as an owner who bypasses row-level security
--   unsafe_function       a SECURITY DEFINER function of such an owner
--   schema_missing  schema_not_allowed  schema_create
--
-- Not SECURITY DEFINER: every role can read the catalogs.
CREATE OR REPLACE FUNCTION akili_guard.coverage(schemas text[])
RETURNS TABLE (id oid, relation text, kind text, gaps text[])
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
WITH RECURSIVE
schema AS (
    SELECT wanted.name, n.oid, s.name IS NOT NULL AS allowed
    FROM unnest(schemas) AS wanted (name)
        LEFT JOIN pg_namespace n ON n.nspname = wanted.name
        LEFT JOIN akili_guard.tenant_schemas s ON s.name = wanted.name
),
scoped AS MATERIALIZED (
    SELECT t.relation, t.owner, t.acl, c.relrowsecurity, c.relforcerowsecurity, c.relnamespace
    FROM akili_guard.tenant_tables t
        JOIN pg_class c ON c.oid = t.relation
        JOIN schema ON schema.oid = c.relnamespace
),
unbound_owner AS (  -- row-level security doesn't apply to these roles' views and functions
    SELECT oid FROM pg_roles WHERE rolsuper OR rolbypassrls
),

-- The switches.
switch_gap AS (
    SELECT relation, 'rls_disabled' AS gap FROM scoped WHERE NOT relrowsecurity
    UNION ALL
    SELECT relation, 'rls_not_forced' FROM scoped WHERE NOT relforcerowsecurity
),

-- Policies and triggers: exactly those of the pattern.
part AS MATERIALIZED (
    SELECT polrelid AS relation, 'policy:' || polname AS name,
        ROW (polcmd, polpermissive, polroles,
             pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))::text AS definition
    FROM pg_policy
    WHERE polname LIKE 'akili\_%'
    UNION ALL
    SELECT tgrelid, 'trigger:' || tgname,
        ROW (tgfoid, tgtype, tgenabled, tgnargs, tgattr, tgqual IS NULL)::text
    FROM pg_trigger
    WHERE tgname LIKE 'akili\_%' AND NOT tgisinternal
),
wanted_part AS MATERIALIZED (
    SELECT name, definition FROM part WHERE relation = 'akili_guard.pattern'::regclass
),
part_gap AS (
    SELECT scoped.relation, wanted.name AS gap
    FROM scoped
        CROSS JOIN wanted_part wanted
        LEFT JOIN part found ON found.relation = scoped.relation AND found.name = wanted.name
    WHERE found.definition IS DISTINCT FROM wanted.definition
    UNION ALL
    SELECT scoped.relation, found.name
    FROM scoped
        JOIN part found ON found.relation = scoped.relation
    WHERE found.name NOT IN (SELECT name FROM wanted_part)
),
foreign_policy_gap AS (
    SELECT scoped.relation, 'foreign_policy:' || polname AS gap
    FROM scoped
        JOIN pg_policy ON polrelid = scoped.relation
    WHERE polpermissive AND polname NOT LIKE 'akili\_%'
),
foreign_key_gap AS MATERIALIZED (
    SELECT scoped.relation, 'foreign_key:' || g.foreign_key AS gap
    FROM scoped
        JOIN akili_guard.foreign_key_gaps g ON g.relation = scoped.relation
),

-- Grants: those of the pattern; on a table with a foreign key gap only the operator's.
wanted_grant AS MATERIALIZED (
    SELECT scoped.relation, held.grantee, held.privilege_type
    FROM scoped,
        pg_class pattern,
        LATERAL aclexplode(pattern.relacl) AS held
    WHERE pattern.oid = 'akili_guard.pattern'::regclass
        AND held.grantee <> pattern.relowner
        AND (held.grantee = 'akili_operator'::regrole
             OR scoped.relation NOT IN (SELECT g.relation FROM foreign_key_gap g))
),
open_table AS (
    SELECT DISTINCT relation FROM wanted_grant WHERE grantee = 'akili_tenant'::regrole
),
held_grant AS MATERIALIZED (
    SELECT scoped.relation, held.grantee, held.privilege_type, held.is_grantable
    FROM scoped, LATERAL aclexplode(scoped.acl) AS held
    WHERE held.grantee <> scoped.owner
),
held_column_grant AS (
    SELECT scoped.relation, held.grantee
    FROM scoped
        JOIN pg_attribute a ON a.attrelid = scoped.relation AND a.attacl IS NOT NULL,
        LATERAL aclexplode(a.attacl) AS held
),
tenant_grantee AS (
    SELECT 0::oid AS oid  -- PUBLIC
    UNION ALL
    SELECT oid FROM pg_roles
    WHERE rolname IN ('akili_tenant', 'akili_service') OR rolname ~ '^tenant_[0-9a-f]{32}$'
),
grant_gap AS (
    SELECT w.relation, 'grant_missing' AS gap
    FROM wanted_grant w
        LEFT JOIN held_grant h USING (relation, grantee, privilege_type)
    WHERE h.relation IS NULL
    UNION
    SELECT open_table.relation, 'grant_missing'
    FROM open_table
        JOIN akili_guard.default_sequences s ON s.relation = open_table.relation
    WHERE NOT (has_sequence_privilege('akili_tenant', s.sequence, 'USAGE')
               AND has_sequence_privilege('akili_service', s.sequence, 'USAGE'))
    UNION
    SELECT scoped.relation, 'grant_missing'
    FROM scoped
    WHERE NOT (has_schema_privilege('akili_tenant', relnamespace, 'USAGE')
               AND has_schema_privilege('akili_service', relnamespace, 'USAGE')
               AND has_schema_privilege('akili_operator', relnamespace, 'USAGE'))
    UNION
    SELECT h.relation, 'grant_excess'
    FROM held_grant h
        LEFT JOIN wanted_grant w USING (relation, grantee, privilege_type)
    WHERE h.grantee IN (SELECT oid FROM tenant_grantee)
        AND (w.relation IS NULL OR h.is_grantable)
    UNION
    SELECT relation, 'grant_excess'
    FROM held_column_grant
    WHERE grantee IN (SELECT oid FROM tenant_grantee)
),
owner_gap AS (
    SELECT relation, 'owned_by_tenant' AS gap
    FROM scoped
    WHERE pg_has_role('akili_tenant', owner, 'MEMBER')
        OR owner IN (SELECT oid FROM tenant_grantee)
),

-- Objects that can't be protected.
unprotected_gap AS (
    SELECT c.oid::regclass AS relation,
        CASE WHEN c.relkind = 'f' THEN 'unsupported_kind' ELSE 'tenant_id_type' END AS gap
    FROM pg_class c
        JOIN schema ON schema.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE a.attname = 'tenant_id' AND NOT a.attisdropped
        AND (c.relkind = 'f' OR c.relkind IN ('r', 'p') AND a.atttypid <> 'uuid'::regtype)
),
reader AS (  -- views that read a tenants' table, directly or through other views
    SELECT relation FROM scoped
    UNION
    SELECT rule.ev_class::regclass
    FROM reader
        JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = reader.relation
            AND d.classid = 'pg_rewrite'::regclass
        JOIN pg_rewrite rule ON rule.oid = d.objid
),
view_gap AS (
    SELECT reader.relation,
        CASE WHEN c.relkind = 'm' THEN 'unsupported_kind' ELSE 'unsafe_view' END AS gap
    FROM reader
        JOIN pg_class c ON c.oid = reader.relation
    WHERE (c.relkind = 'm'
           OR c.relkind = 'v'
               AND c.relowner IN (SELECT oid FROM unbound_owner)
               AND NOT coalesce((SELECT option_value::boolean FROM pg_options_to_table(c.reloptions)
                                 WHERE option_name = 'security_invoker'), false))
        -- In other schemas a view for the DBA's reports is safe as long as nobody else has access.
        AND (c.relnamespace IN (SELECT oid FROM schema)
             OR EXISTS (SELECT FROM aclexplode(c.relacl) AS held WHERE held.grantee <> c.relowner))
),

relation_gap AS (
    SELECT relation, gap FROM switch_gap
    UNION ALL SELECT relation, gap FROM part_gap
    UNION ALL SELECT relation, gap FROM foreign_policy_gap
    UNION ALL SELECT relation, gap FROM foreign_key_gap
    UNION ALL SELECT relation, gap FROM grant_gap
    UNION ALL SELECT relation, gap FROM owner_gap
    UNION ALL SELECT relation, gap FROM unprotected_gap
    UNION ALL SELECT relation, gap FROM view_gap
),
function_gap AS (
    SELECT p.oid::regprocedure::text AS relation
    FROM pg_proc p
    WHERE p.prosecdef
        AND p.proowner IN (SELECT oid FROM unbound_owner)
        AND (p.pronamespace IN (SELECT oid FROM schema)
             OR has_schema_privilege('akili_tenant', p.pronamespace, 'USAGE')
             OR has_schema_privilege('akili_service', p.pronamespace, 'USAGE'))
        AND (has_function_privilege('akili_tenant', p.oid, 'EXECUTE')
             OR has_function_privilege('akili_service', p.oid, 'EXECUTE'))
        AND NOT EXISTS (SELECT FROM pg_depend d
                        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                            AND d.deptype = 'e')
),
schema_gap AS (
    SELECT name, 'schema_missing' AS gap FROM schema WHERE oid IS NULL
    UNION ALL
    SELECT name, 'schema_not_allowed' FROM schema WHERE NOT allowed
    UNION ALL
    SELECT name, 'schema_create' FROM schema
    WHERE has_schema_privilege('akili_tenant', oid, 'CREATE')
)
SELECT r.relation::oid,
    r.relation::text,
    CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                   WHEN 'f' THEN 'foreign table' ELSE 'table' END,
    coalesce(array_agg(g.gap ORDER BY g.gap) FILTER (WHERE g.gap IS NOT NULL), '{}')
FROM (SELECT relation FROM scoped UNION SELECT relation FROM relation_gap) AS r
    JOIN pg_class c ON c.oid = r.relation
    LEFT JOIN relation_gap g ON g.relation = r.relation
GROUP BY r.relation, c.relkind
UNION ALL
SELECT NULL, relation, 'function', '{unsafe_function}' FROM function_gap
UNION ALL
SELECT NULL, quote_ident(name), 'schema', array_agg(gap ORDER BY gap) FROM schema_gap GROUP BY name
ORDER BY 3, 2
$$;
