"""What a data plane does with what the API gives it: read a token, open the connection string, connect."""

import base64
import json
from typing import Any

import psycopg

from tenant_api.kernel.connection_strings import decode

TOP_SCHOOLS = """
SELECT s.nameofinstitution, count(*) AS students
FROM edfi.studentschoolassociation a JOIN edfi.educationorganization s ON s.educationorganizationid = a.schoolid
GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 3
"""


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a token. A data plane verifies the signature first; here they are only shown."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def login_of(sealed: str, key: str) -> dict[str, str]:
    """The keywords of a connection string, opened with the key that service and data planes share."""
    pairs = (pair.partition("=") for pair in decode(sealed, key).split(";") if pair)
    return {name: value for name, _, value in pairs}


def connect(login: dict[str, str]) -> psycopg.Connection:
    """A session with the database's own login."""
    return psycopg.connect(
        host=login["host"],
        port=login["port"],
        user=login["username"],
        password=login["password"],
        dbname=login["database"],
        connect_timeout=5,
    )


def look_around(login: dict[str, str]) -> dict[str, Any]:
    """Who one is there, and a first look at the data."""
    with connect(login) as session:
        who = session.execute("SELECT current_user, current_database()").fetchone()
        schools = session.execute(TOP_SCHOOLS).fetchall()
    assert who is not None
    return {"user": who[0], "database": who[1], "largest schools": [f"{name}: {count}" for name, count in schools]}
