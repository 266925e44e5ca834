"""What a database's schema is, as one short text: equal for a template and its untouched clone.

Read from pg_catalog alone, so any login can compute it; owners, access lists, OIDs and rows do not count.
"""

from db_provisioners.postgresql.server import Connection

# Every branch gives one line per thing. Members of extensions are left to the extension's own line.
_LINES = """
WITH spaces AS (
    SELECT oid, nspname FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
), member AS (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
), relations AS (
    SELECT c.oid, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.reloptions, c.relispartition,
           format('%I.%I', s.nspname, c.relname) AS name
    FROM pg_class c JOIN spaces s ON s.oid = c.relnamespace
    WHERE NOT EXISTS (SELECT FROM member WHERE classid = 'pg_class'::regclass AND objid = c.oid)
), routines AS (
    SELECT p.*, format('%I.%I(%s)', s.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS name
    FROM pg_proc p JOIN spaces s ON s.oid = p.pronamespace
    WHERE NOT EXISTS (SELECT FROM member WHERE classid = 'pg_proc'::regclass AND objid = p.oid)
), types AS (
    SELECT t.oid, t.typtype, t.typbasetype, t.typtypmod, t.typnotnull, t.typdefault,
           format('%I.%I', s.nspname, t.typname) AS name
    FROM pg_type t JOIN spaces s ON s.oid = t.typnamespace
    WHERE t.typtype IN ('e', 'd', 'r')
      AND NOT EXISTS (SELECT FROM member WHERE classid = 'pg_type'::regclass AND objid = t.oid)
)
SELECT concat_ws(' ', 'schema', quote_ident(nspname)) AS line FROM spaces
UNION ALL
SELECT concat_ws(' ', 'extension', extname, extversion) FROM pg_extension
UNION ALL
SELECT concat_ws(' ', 'relation', name, relkind, relpersistence, relrowsecurity, relforcerowsecurity, relispartition,
                 array_to_string(reloptions, ','))
FROM relations WHERE relkind NOT IN ('i', 'I')
UNION ALL
SELECT concat_ws(' ', 'column', r.name, a.attnum, quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
                 a.attnotnull, a.attidentity, a.attgenerated, a.attcollation::regcollation,
                 pg_get_expr(d.adbin, d.adrelid))
FROM relations r
JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE r.relkind NOT IN ('i', 'I')
UNION ALL
SELECT concat_ws(' ', 'constraint', coalesce(r.name, t.name), quote_ident(c.conname), c.convalidated,
                 pg_get_constraintdef(c.oid))
FROM pg_constraint c LEFT JOIN relations r ON r.oid = c.conrelid LEFT JOIN types t ON t.oid = c.contypid
WHERE r.oid IS NOT NULL OR t.oid IS NOT NULL
UNION ALL
SELECT concat_ws(' ', 'index', i.indisvalid, pg_get_indexdef(i.indexrelid))
FROM pg_index i JOIN relations r ON r.oid = i.indrelid
UNION ALL
SELECT concat_ws(' ', 'view', name, pg_get_viewdef(oid)) FROM relations WHERE relkind IN ('v', 'm')
UNION ALL
SELECT concat_ws(' ', 'rule', r.name, pg_get_ruledef(w.oid))
FROM pg_rewrite w JOIN relations r ON r.oid = w.ev_class WHERE r.relkind NOT IN ('v', 'm')
UNION ALL
SELECT concat_ws(' ', 'policy', r.name, quote_ident(p.polname), p.polpermissive, p.polcmd,
                 pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
FROM pg_policy p JOIN relations r ON r.oid = p.polrelid
UNION ALL
SELECT concat_ws(' ', 'trigger', t.tgenabled, pg_get_triggerdef(t.oid))
FROM pg_trigger t JOIN relations r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal
UNION ALL
SELECT concat_ws(' ', 'sequence', r.name, s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax,
                 s.seqcache, s.seqcycle)
FROM pg_sequence s JOIN relations r ON r.oid = s.seqrelid
UNION ALL
SELECT concat_ws(' ', 'routine', p.name, p.prokind, l.lanname, pg_get_function_result(p.oid), p.prosecdef,
                 p.provolatile, p.proisstrict, p.proleakproof, p.proparallel, array_to_string(p.proconfig, ','),
                 pg_get_expr(p.proargdefaults, 0), p.probin, p.prosrc, pg_get_function_sqlbody(p.oid))
FROM routines p JOIN pg_language l ON l.oid = p.prolang
UNION ALL
SELECT concat_ws(' ', 'type', t.name, t.typtype, nullif(t.typbasetype, 0)::regtype, t.typtypmod, t.typnotnull,
                 t.typdefault,
                 (SELECT string_agg(quote_literal(enumlabel), ',' ORDER BY enumsortorder)
                  FROM pg_enum WHERE enumtypid = t.oid))
FROM types t
"""

_FINGERPRINT = f"""
SELECT encode(sha256(convert_to(string_agg(line, E'\\n' ORDER BY line COLLATE "C"), 'UTF8')), 'hex')
FROM ({_LINES}) AS described
"""  # noqa: S608 - both texts are constants of this file

# How the server writes constants and names depends on its settings, and on the PG… variables of whoever asks.
_WRITTEN_ALIKE = """
SELECT set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, MDY', true),
       set_config('IntervalStyle', 'postgres', true), set_config('bytea_output', 'hex', true),
       set_config('extra_float_digits', '1', true), set_config('quote_all_identifiers', 'off', true)
"""

_TABLES = """
SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
"""


async def fingerprint(connection: Connection) -> str:
    async with connection.transaction():
        await connection.execute(_WRITTEN_ALIKE)
        found = await connection.execute(_FINGERPRINT)
        row = await found.fetchone()
    return f"sha256:{row[0] if row else ''}"


async def table_count(connection: Connection) -> int:
    found = await connection.execute(_TABLES)
    row = await found.fetchone()
    return int(row[0]) if row else 0
