"""Kinds of values that settings are made of. Their complaints never repeat the value."""

import json
import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from psycopg import Error as PsycopgError
from psycopg.conninfo import conninfo_to_dict
from pydantic import AfterValidator, BeforeValidator, Field, IPvAnyAddress, IPvAnyNetwork, SecretStr

from tenant_api.kernel.keys import KeyRing, check_connection_string_key

_PATH_BASE = re.compile(r"[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*")
_POSTGRESQL = ("postgresql://", "postgres://")


def _path_base(value: str) -> str:
    trimmed = value.strip("/")
    if trimmed and not _PATH_BASE.fullmatch(trimmed):
        raise ValueError("must be a path of letters, digits and . _ ~ -, such as /config")
    return f"/{trimmed}" if trimmed else ""


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or "@" in value:
        raise ValueError("must be an address such as https://tenants.example.org, without credentials or query")
    return value.rstrip("/")


def _origin(value: str) -> str:
    address = _web_address(value)
    if urlsplit(address).path:
        raise ValueError("must be an origin such as https://portal.example.org, without a path")
    return address


def _postgresql_url(value: SecretStr) -> SecretStr:
    url = value.get_secret_value()
    problem = "must be postgresql://user:password@host:port/database, special characters percent-encoded"
    if not url.startswith(_POSTGRESQL):
        raise ValueError(problem)
    try:
        parts = conninfo_to_dict(url)
    except PsycopgError:
        # The driver's own words quote parts of the URL.
        raise ValueError(problem) from None
    if not str(parts.get("port", "5432")).isdecimal():
        raise ValueError(problem)
    if not parts.get("dbname"):
        raise ValueError("must name a database: postgresql://user:password@host:port/database")
    return value


def _key_ring(value: SecretStr) -> SecretStr:
    KeyRing.parse(value.get_secret_value())
    return value


def _connection_string_key(value: SecretStr) -> SecretStr:
    check_connection_string_key(value.get_secret_value())
    return value


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError("must be JSON") from None


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def claims_source(value: Any) -> Any:
    """In any case; the Ed-Fi Configuration Service calls a directory the file system."""
    source = value.lower() if isinstance(value, str) else value
    return "directory" if source == "filesystem" else source


def _listed(value: Any) -> Any:
    return [entry.strip() for entry in value.split(",") if entry.strip()] if isinstance(value, str) else value


def _absolute(value: Path) -> Path:
    return value.expanduser().absolute()


Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Words = Annotated[str, Field(min_length=1)]
HexDigest = Annotated[str, AfterValidator(str.lower), Field(pattern=r"^[0-9a-fA-F]{64}$")]
Folder = Annotated[Path, AfterValidator(_absolute)]
PathBase = Annotated[str, AfterValidator(_path_base)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Origin = Annotated[str, AfterValidator(_origin)]
PostgresqlUrl = Annotated[SecretStr, AfterValidator(_postgresql_url)]
RingText = Annotated[SecretStr, AfterValidator(_key_ring)]
ConnectionStringKey = Annotated[SecretStr, AfterValidator(_connection_string_key)]
AddressList = Annotated[tuple[IPvAnyAddress, ...], BeforeValidator(_listed)]
NetworkList = Annotated[tuple[IPvAnyNetwork, ...], BeforeValidator(_listed)]
JsonText = BeforeValidator(_json)
UpperCase = BeforeValidator(_upper)
