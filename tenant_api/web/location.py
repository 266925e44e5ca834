"""Absolute addresses of ours, as the caller reaches us (contract section 1.6)."""

from uuid import UUID

from tenant_api.web.state import Connection, runtime_of


def origin(connection: Connection) -> str:
    """Scheme and host of this request, or the configured public address."""
    http = runtime_of(connection).settings.http
    return (http.public_url or f"{connection.scope['scheme']}://{_host(connection)}").rstrip("/")


def base_url(connection: Connection) -> str:
    """The origin with the path base, if this request used it."""
    return origin(connection) + str(connection.scope.get("state", {}).get("path_base", ""))


def created_at(connection: Connection, identity: object) -> str:
    """The address of something that was made below the request's path."""
    return f"{base_url(connection)}{connection.scope['path'].rstrip('/')}/{identity}"


def announce_job(connection: Connection, job_id: UUID) -> None:
    """Let a successful answer name the job that completes it."""
    address = f"{base_url(connection)}/v3/jobs/{job_id}"
    connection.scope["state"]["operation_location"] = address.encode("latin-1")


def _host(connection: Connection) -> str:
    http = runtime_of(connection).settings.http
    return connection.headers.get("host") or f"{http.host}:{http.port}"
