"""Cutting scripts into statements, and what is left out of them."""

import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from db_provisioners.errors import TemplateImportError
from db_provisioners.postgresql.rules import Rules, WantedExtension, wanted_extension
from db_provisioners.postgresql.script import Kind, Piece, Script

FRAGMENTS = st.sampled_from(
    [b"SELECT 1", b";", b"\n", b"'", b"''", b'"', b"E'\\''", b"$$", b"$a$", b"--", b"/*", b"*/", b"(", b")", b"\\",
     b"\\.\n", b"COPY t FROM stdin;\n", b"x$1", b" ", b"\xc3\xa9", b"e", b"a$$b"]
)  # fmt: skip


def cut(script: bytes) -> list[Piece]:
    return list(Script().pieces(io.BytesIO(script)))


def statements(script: bytes) -> list[bytes]:
    return [piece.body.strip() for piece in cut(script) if piece.kind is Kind.STATEMENT]


@given(st.lists(FRAGMENTS, max_size=40).map(b"".join))
@example(b"COPY t FROM stdin; -- data follow\n1\n\\.\nSELECT 2;")
def test_nothing_is_lost_or_reordered(script: bytes) -> None:
    assert b"".join(piece.text for piece in cut(script)) == script


@given(st.binary(max_size=200))
def test_any_bytes_can_be_cut(script: bytes) -> None:
    assert b"".join(piece.text for piece in cut(script)) == script


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (b"SELECT 1; SELECT 2;\n", [b"SELECT 1;", b"SELECT 2;"]),
        (b"SELECT ';';\n", [b"SELECT ';';"]),
        (b"SELECT 'it''s;';\n", [b"SELECT 'it''s;';"]),
        (b"SELECT E'\\';';\n", [b"SELECT E'\\';';"]),
        (b"SELECT E'a''b;\\\\';\n", [b"SELECT E'a''b;\\\\';"]),
        (b"SELECT '\\'; SELECT 2;\n", [b"SELECT '\\';", b"SELECT 2;"]),
        (b'SELECT ";";\n', [b'SELECT ";";']),
        (b"SELECT $$;$$;\n", [b"SELECT $$;$$;"]),
        (b"SELECT $a$;$$;$a$;\n", [b"SELECT $a$;$$;$a$;"]),
        (b"SELECT a$$ FROM b$$; SELECT 2;", [b"SELECT a$$ FROM b$$;", b"SELECT 2;"]),
        (b"SELECT 1 -- ;\n;\n", [b"SELECT 1 -- ;\n;"]),
        (b"SELECT /* ; /* ; */ ; */ 1;\n", [b"SELECT /* ; /* ; */ ; */ 1;"]),
        (b"CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);\n",
         [b"CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);"]),
        (b"-- Name: x\nSELECT 1;\n", [b"SELECT 1;"]),
    ],
)  # fmt: skip
def test_statements_end_where_psql_ends_them(script: bytes, expected: list[bytes]) -> None:
    assert statements(script) == expected


def test_copy_data_are_not_statements() -> None:
    pieces = cut(b"COPY t (a) FROM stdin;\nSET transaction_timeout = 0;\n\\N\n\\.\nSELECT 2;\n")
    assert [piece.kind for piece in pieces] == [Kind.STATEMENT, Kind.DATA, Kind.DATA, Kind.DATA, Kind.STATEMENT]
    assert pieces[1].text == b"SET transaction_timeout = 0;\n"


@pytest.mark.parametrize("script", [b"SELECT 'x", b"SELECT $$x", b"/* x", b"COPY t FROM stdin;\n1\n", b"SELECT (1"])
def test_an_end_inside_something_is_noticed(script: bytes) -> None:
    reader = Script()
    list(reader.pieces(io.BytesIO(script)))
    assert reader.cut_off


def test_the_entry_of_a_statement_is_the_one_that_pg_dump_announced() -> None:
    script = b"--\n-- Name: student; Type: TABLE; Schema: edfi; Owner: -\n--\n\nCREATE TABLE edfi.student ();\n"
    assert cut(script)[0].label == "TABLE edfi.student"


def kept(statement: str, version: int = 180000, schemas: frozenset[str] = frozenset({"public"})) -> bool:
    return Rules(server_version=version, schemas=schemas).keep(cut(statement.encode())[0])


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA public;",
        "-- a comment\nCREATE EXTENSION pgcrypto;",
        "COMMENT ON EXTENSION pgcrypto IS 'x';",
        "ALTER TABLE edfi.student OWNER TO postgres;",
        'ALTER FUNCTION edfi.f(integer, text) OWNER TO "Some One";',
        "GRANT SELECT ON TABLE edfi.student TO reader;",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC;",
        "ALTER DEFAULT PRIVILEGES FOR ROLE x GRANT ALL ON TABLES TO y;",
        "SET SESSION AUTHORIZATION 'postgres';",
        "SET default_tablespace = 'fast';",
        "CREATE SCHEMA public;",
        "COMMENT ON SCHEMA public IS 'standard public schema';",
        "CREATE PUBLICATION p FOR ALL TABLES;",
        "SECURITY LABEL FOR selinux ON TABLE t IS 'x';",
        "CREATE OR REPLACE PROCEDURAL LANGUAGE plpgsql;",
        "\\restrict abcDEF123",
        "\\unrestrict abcDEF123",
    ],
)
def test_what_is_ours_to_decide_is_left_out(statement: str) -> None:
    assert not kept(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE SCHEMA edfi;",
        "COMMENT ON SCHEMA edfi IS 'x';",
        "CREATE SCHEMA publicity;",
        "CREATE TABLE edfi.t (a text DEFAULT ' OWNER TO x');",
        "ALTER TABLE edfi.t ADD CONSTRAINT c CHECK (a <> ' OWNER TO x');",
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$BEGIN EXECUTE 'GRANT x TO y'; END$$;",
        "SET default_table_access_method = heap;",
        "SET search_path = edfi;",
        "\\connect other",
        "\\! id",
    ],
)
def test_what_is_the_archives_to_decide_is_kept(statement: str) -> None:
    assert kept(statement)


def test_servers_before_17_do_not_get_a_setting_they_do_not_know() -> None:
    assert not kept("SET transaction_timeout = 0;", version=150018)
    assert not kept("SET transaction_timeout = 0;", version=160000)
    assert kept("SET transaction_timeout = 0;", version=170000)
    assert kept("SET statement_timeout = 0;", version=150018)


def test_schemas_made_for_an_extension_are_not_made_twice() -> None:
    assert not kept('CREATE SCHEMA "Crypto";', schemas=frozenset({"public", "Crypto"}))
    assert kept("CREATE SCHEMA Crypto;", schemas=frozenset({"public", "Crypto"}))


def test_old_string_syntax_is_refused() -> None:
    with pytest.raises(TemplateImportError):
        kept("SET standard_conforming_strings = off;")


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA public;", WantedExtension("pgcrypto", "public")),
        ('CREATE EXTENSION "uuid-ossp";', WantedExtension("uuid-ossp", None)),
        ('create extension if not exists HSTORE schema "Ext";', WantedExtension("hstore", "Ext")),
        ("SELECT 'CREATE EXTENSION x';", None),
    ],
)
def test_wanted_extensions_are_recognised(statement: str, expected: WantedExtension | None) -> None:
    assert wanted_extension(cut(statement.encode())[0]) == expected
