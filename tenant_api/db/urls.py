"""Database URLs in the dialects of their readers."""

from sqlalchemy.engine import URL, make_url


def sqlalchemy_url(url: str) -> URL:
    """The same database for SQLAlchemy on psycopg 3."""
    return make_url(url).set(drivername="postgresql+psycopg")


def libpq_url(url: str | URL) -> str:
    """The same database for psycopg itself; holds the password, so never log it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
