"""The present, in UTC. Leases and deadlines use the database's clock instead."""

from datetime import UTC, datetime


def utcnow() -> datetime:
    """Now, aware of its time zone."""
    return datetime.now(UTC)
