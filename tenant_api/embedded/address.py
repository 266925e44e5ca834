"""Where a running embedded server listens, and how its superuser logs in."""

from dataclasses import dataclass, field
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """The way to a running server. Its `repr` is safe to log, its URL is not."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    pid: int

    def url(self, database: str = "postgres") -> str:
        """Return a `postgresql://` URL, password included: for drivers, never for logs."""
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        return f"postgresql://{login}@{self.host}:{self.port}/{quote(database, safe='')}"
