"""Archives for the tests: a database with one of everything, dumped in every format."""

import gzip
import os
import subprocess
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from db_provisioners.postgresql.tools import tools_folder
from tests.provisioners.world import World

RICH = r"""
CREATE SCHEMA edfi; CREATE SCHEMA "Odd ""Name"" ";
CREATE TYPE edfi.mood AS ENUM ('good', 'bad');
CREATE DOMAIN edfi.code AS varchar(20) CHECK (VALUE <> '');
CREATE TYPE edfi.pair AS (a integer, b text);
CREATE TYPE edfi.span AS RANGE (subtype = integer);
CREATE COLLATION edfi.plain (provider = libc, locale = 'C');
CREATE SEQUENCE edfi.changeversion;
CREATE TABLE edfi.student (
    studentusi serial PRIMARY KEY, code edfi.code NOT NULL, mood edfi.mood DEFAULT 'good',
    note text COLLATE edfi.plain, twice integer GENERATED ALWAYS AS (2 * 21) STORED
);
CREATE TABLE edfi.school (schoolid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, spans edfi.span);
CREATE TABLE "Odd ""Name"" ".";--" (a integer REFERENCES edfi.student, "DROP TABLE" edfi.pair);
CREATE TABLE edfi.event (at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE edfi.event_2026 PARTITION OF edfi.event FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE INDEX ON edfi.student (lower(note)) WHERE mood = 'good';
CREATE STATISTICS edfi.correlated ON code, mood FROM edfi.student;
CREATE FUNCTION edfi.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'it''s; ' || NEW.note;
    RETURN NEW; END $$;
CREATE FUNCTION edfi.answer(integer DEFAULT 42) RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT $1; END;
CREATE PROCEDURE edfi.nothing(INOUT a integer) LANGUAGE plpgsql AS $body$ BEGIN a := a; END $body$;
CREATE AGGREGATE edfi.total(integer) (SFUNC = int4pl, STYPE = integer);
CREATE OPERATOR edfi.=== (FUNCTION = int4eq, LEFTARG = integer, RIGHTARG = integer);
CREATE TEXT SEARCH CONFIGURATION edfi.search (COPY = simple);
CREATE VIEW edfi.students AS SELECT studentusi, edfi.answer() AS answer FROM edfi.student;
CREATE MATERIALIZED VIEW edfi.moods AS SELECT mood, count(*) FROM edfi.student GROUP BY mood;
CREATE TRIGGER touch BEFORE UPDATE ON edfi.student FOR EACH ROW EXECUTE FUNCTION edfi.touch();
CREATE RULE ignored AS ON DELETE TO edfi.school DO INSTEAD NOTHING;
ALTER TABLE edfi.school ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON edfi.school USING (true);
COMMENT ON TABLE edfi.student IS 'CREATE EXTENSION x;';
INSERT INTO edfi.student (code, note) VALUES
    ('a', E'SET transaction_timeout = 0;'), ('b', E'\\.'), ('c', E'line\nSET transaction_timeout = 0;\n\\connect x');
INSERT INTO edfi.event VALUES ('2026-05-05');
SELECT lo_from_bytea(0, 'large');
CREATE PUBLICATION changes FOR TABLE edfi.student;
CREATE EXTENSION pageinspect;
GRANT SELECT ON edfi.student TO PUBLIC;
"""


def dump(world: World, database: str, target: Path, *options: str) -> Path:
    address = conninfo_to_dict(world.superuser)
    environment = {"PGPASSWORD": str(address["password"]), "PATH": os.defpath}
    subprocess.run(
        [
            str(tools_folder(None) / "pg_dump"), *options, f"--file={target}", f"--host={address['host']}",
            f"--port={address['port']}", f"--username={address['user']}", database,
        ],
        env=environment, check=True,
    )  # fmt: skip
    return target


def zipped(archive: Path) -> Path:
    target = archive.with_name(f"{archive.name}-zipped")
    target.write_bytes(gzip.compress(archive.read_bytes()))
    return target


def written(folder: Path, script: str) -> Path:
    archive = folder / "archive.sql"
    archive.write_text(script)
    return archive
