"""Asks the server itself whether it holds what the services' rows say, nothing more and nothing less."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row

from tenant_api.db.sealed import connection_string_of
from tenant_api.managed_data_stores.states import Status, status_of
from tenant_api.operations.states import OPEN, State
from tests.crash.environment import Environment

OURS = "name LIKE 'ta\\_%%' OR comment LIKE 'tenant-api:%%'"
DATABASES = f"""
SELECT * FROM (SELECT datname::text AS name, oid::bigint AS oid, shobj_description(oid, 'pg_database') AS comment,
    datallowconn AS open, datistemplate AS template FROM pg_database) AS found WHERE {OURS}
"""
ROLES = f"""
SELECT * FROM (SELECT rolname::text AS name, oid::bigint AS oid, shobj_description(oid, 'pg_authid') AS comment,
    rolcanlogin AS login FROM pg_roles) AS found WHERE {OURS}
"""
STORES = """
SELECT m.*, o.kind, o.state, o.attempts, o.lease_owner FROM managed_data_stores m
LEFT JOIN operations o ON o.id = m.operation_id ORDER BY m.id
"""
TEMPLATES = "SELECT handle ->> 'database' AS name FROM templates WHERE handle <> '{}'"
ORPHAN_FILES = """
SELECT name FROM pg_ls_dir('base') AS name
WHERE name ~ '^[0-9]+$' AND name::oid NOT IN (SELECT oid FROM pg_database)
"""
ORPHAN_CLIENTS = """
SELECT client_id FROM idp_clients WHERE managed AND client_id NOT IN (SELECT client_id FROM api_clients)
"""
DOUBLE_CLAIMS = "SELECT operation FROM claims GROUP BY operation, fence HAVING count(*) > 1"


@dataclass
class Findings:
    """What is wrong, one line each."""

    orphans: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def all(self) -> list[str]:
        return [*self.orphans, *self.duplicates, *self.stuck, *self.wrong]


def check(environment: Environment, services: Sequence[str], *, beginning: str = "ta_") -> Findings:
    """Everything of ours on the server belongs to one of these services, and stands as its rows say.

    `beginning` leaves out what others are at work on.
    """
    findings = Findings()
    expected = _Expected()
    for service in services:
        with psycopg.connect(environment.superuser.url(service), autocommit=True, row_factory=dict_row) as connection:
            _check_service(environment, connection, expected, findings)
    with psycopg.connect(environment.superuser.url(), autocommit=True, row_factory=dict_row) as connection:
        databases = {row["name"]: row for row in connection.execute(DATABASES) if row["name"].startswith(beginning)}
        roles = {row["name"]: row for row in connection.execute(ROLES) if row["name"].startswith(beginning)}
    for name, target in expected.databases.items():
        _check_database(name, target, databases, roles, findings)
    known = {name for name in databases if name in expected.databases or name in expected.templates}
    findings.orphans += [f"database {name}" for name in databases.keys() - known]
    known |= {f"{name}_owner" for name in known} | {owner_of_all_templates(environment, services[0])}
    findings.orphans += [f"role {name}" for name in roles.keys() - known]
    return findings


def files_of_nobody(environment: Environment) -> list[str]:
    """Folders of databases that no longer exist. For a server at rest: a copy in the making has one too."""
    with psycopg.connect(environment.superuser.url(), autocommit=True) as connection:
        return [row[0] for row in connection.execute(ORPHAN_FILES)]


def owner_of_all_templates(environment: Environment, service: str) -> str:
    with psycopg.connect(environment.superuser.url(service), autocommit=True) as connection:
        row = connection.execute("SELECT id::text FROM installations").fetchone()
    assert row is not None
    return f"ta_templates_{sha256(row[0].encode()).hexdigest()[:12]}"


@dataclass
class _Expected:
    databases: dict[str, str] = field(default_factory=dict)
    templates: set[str] = field(default_factory=set)


def _check_service(
    environment: Environment, connection: psycopg.Connection[DictRow], expected: _Expected, findings: Findings
) -> None:
    expected.templates |= {row["name"] for row in connection.execute(TEMPLATES)}
    findings.orphans += [f"client {row['client_id']}" for row in connection.execute(ORPHAN_CLIENTS)]
    findings.duplicates += [f"claim of {row['operation']}" for row in connection.execute(DOUBLE_CLAIMS)]
    for row in connection.execute("SELECT id, kind, state FROM operations WHERE state = ANY(%s)", (list(OPEN),)):
        findings.stuck.append(f"{row['kind']} {row['id']} is {row['state']}")
    linked: list[int] = []
    for row in connection.execute(STORES):
        name = f"{row['name']} ({row['physical_name']})"
        if row["kind"] is None:
            findings.wrong.append(f"{name} has no job")
            continue
        status = status_of(row["kind"], State(row["state"]), row["attempts"])
        if status is Status.CREATED:
            if row["physical_name"] in expected.databases:
                findings.duplicates.append(f"physical name {name}")
            expected.databases[row["physical_name"]] = str(row["target_id"])
            linked.append(row["data_store_id"])
        elif row["data_store_id"] is not None:
            findings.wrong.append(f"{name} is {status} and still offered")
        elif row["handle"]:
            findings.wrong.append(f"{name} is {status} and has a handle")
        if (status is Status.DELETED) != (row["deleted_at"] is not None and row["password_sealed"] is None):
            findings.wrong.append(f"{name} is {status} and its tombstone says otherwise")
    stores = {
        row["id"]: row for row in connection.execute("SELECT id, name, connection_string_sealed FROM data_stores")
    }
    if len(linked) != len(set(linked)) or None in linked:
        findings.duplicates.append(f"links to data stores: {linked}")
    findings.orphans += [f"data store {stores[key]['name']}" for key in stores.keys() - set(linked)]
    for key, row in stores.items():
        _connect(environment, key, row["connection_string_sealed"], findings)


def _connect(environment: Environment, key: int, sealed: str, findings: Findings) -> None:
    """As a data plane would, with what the row holds."""
    text = environment.sealer.unseal(sealed, connection_string_of(key)).decode()
    parts = dict(part.split("=", 1) for part in text.rstrip(";").split(";"))
    try:
        with psycopg.connect(
            host=parts["host"],
            port=parts["port"],
            user=parts["username"],
            password=parts["password"],
            dbname=parts["database"],
        ) as connection:
            found = connection.execute("SELECT count(*) FROM edfi.student").fetchone()
    except psycopg.Error as error:
        findings.wrong.append(f"database {parts['database']} cannot be used: {error}")
    else:
        if found != (2,):
            findings.wrong.append(f"database {parts['database']} holds {found}")


def _check_database(
    name: str, target: str, databases: dict[str, Any], roles: dict[str, Any], findings: Findings
) -> None:
    for kind, found in (
        ("database", databases.get(name)),
        ("login", roles.get(name)),
        ("owner", roles.get(f"{name}_owner")),
    ):
        if found is None:
            findings.wrong.append(f"{kind} of {name} is missing")
        elif f":{target}:{found['oid']}:" not in (found["comment"] or ""):
            findings.wrong.append(f"{kind} of {name} bears the marker {found['comment']}")
    if databases.get(name) and not databases[name]["open"]:
        findings.wrong.append(f"database {name} is closed")
    if roles.get(name) and not roles[name]["login"]:
        findings.wrong.append(f"login {name} is closed")
