"""Where the database is: from a URL to the configuration that Tortoise needs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from server.storage.servers.connecting import CONNECT_S

# Whole numbers that may follow the `?` of a PostgreSQL URL.
_WHOLE = {
    "minsize",
    "maxsize",
    "statement_cache_size",
    "max_cached_statement_lifetime",
    "max_cacheable_statement_size",
    "max_queries",
}
_FRACTION = {"timeout", "command_timeout", "max_inactive_connection_lifetime"}
_WORDS = {"ssl", "host", "target_session_attrs", "application_name", "schema"}

_SSL = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_SOUGHT = ("any", "primary", "read-write", "read-only", "standby", "prefer-standby")

# A statement that takes a minute will not help the person who waits. Ten connections serve the two
# cores that most agencies have. `timeout` is for one host. All can be set in the URL.
_POSTGRES: dict[str, Any] = {
    "minsize": 1,
    "maxsize": 10,
    "timeout": CONNECT_S,
    "command_timeout": 60.0,
}
# Of several servers we look for the one that takes writes, unless the URL says otherwise.
WRITES = "read-write"


@dataclass(frozen=True)
class Address:
    """One database: `dialect` is "sqlite" or "postgres"; `credentials` are the engine's."""

    dialect: str
    credentials: dict[str, Any]

    @property
    def engine(self) -> str:
        """The module that Tortoise loads."""
        return f"server.storage.engines.{self.dialect}"

    @property
    def file(self) -> Path:
        """The file of an SQLite database."""
        assert self.dialect == "sqlite", "only SQLite is a file"
        return Path(self.credentials["file_path"])


def parse(url: str) -> Address:
    """Read a database URL; raises ValueError with a sentence, which never holds the password.

    - `sqlite://var/waymark.sqlite3` (relative), `sqlite:////srv/waymark.sqlite3` or
      `sqlite:///srv/waymark.sqlite3` (absolute); what follows a `?` are PRAGMAs
    - `postgres://user:password@host:port/database?maxsize=20`; `postgresql://` is the same
    - `postgres://user@/database?host=/run/postgresql` (a Unix socket)
    - `postgres://user:password@one:5432,two:5433/database` (several servers, of which one takes
      writes: it is found, and found again after a fail-over)
    """
    scheme = url.partition("://")[0]
    if scheme == "sqlite":
        return _sqlite(url)
    if scheme in ("postgres", "postgresql", "asyncpg"):
        return _postgres(url)
    raise ValueError("it begins with sqlite:// or postgres://")


def _sqlite(url: str) -> Address:
    parts = urlsplit(url)
    path = unquote(parts.netloc + parts.path)
    if not path or ":memory:" in path:
        raise ValueError("an SQLite database needs the path of a file")
    pragmas: dict[str, Any] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if not (name.isidentifier() and value.lstrip("-").isalnum()):
            raise ValueError(f"{name!r} is not a PRAGMA with a plain value")
        pragmas[name] = value
    return Address("sqlite", {"file_path": path} | pragmas)


def _postgres(url: str) -> Address:
    parts = urlsplit(url)
    user_info, at, places = parts.netloc.rpartition("@")
    user, _, password = user_info.partition(":")
    database = unquote(parts.path.lstrip("/"))
    if not database:
        raise ValueError("it names no database after the host")
    credentials = dict(_POSTGRES)
    for name, value in parse_qsl(parts.query):
        # As libpq calls it; the driver takes what it does not know for nothing.
        own = "ssl" if name == "sslmode" else name
        credentials[own] = _option(own, value)
    if places and "host" in credentials:
        raise ValueError("it names a host twice: before the database and after the `?`")
    if places:
        credentials |= _places(places)
    if isinstance(credentials.get("host"), list):
        credentials.setdefault("target_session_attrs", WRITES)
    credentials |= {"database": database, "user": unquote(user) or None if at else None}
    credentials["password"] = unquote(password) or None
    # Settings that a pooler passes on (PgBouncer refuses a connection that asks for any other).
    # Each BEGIN sets how long a transaction may be idle.
    credentials["server_settings"] = {
        "timezone": "UTC",
        "application_name": credentials.pop("application_name", "waymark"),
    }
    return Address("postgres", credentials)


def _option(name: str, value: str) -> Any:
    try:
        if name in _WHOLE:
            return int(value)
        if name in _FRACTION:
            return float(value)
    except ValueError:
        raise ValueError(f"{name} is a number") from None
    if name == "target_session_attrs" and value not in _SOUGHT:
        raise ValueError(f"{name} is one of {', '.join(_SOUGHT)}")
    if name == "ssl" and value not in _SSL:
        raise ValueError(f"sslmode is one of {', '.join(_SSL)}")
    if name in _WORDS:
        return value
    raise ValueError(
        f"{name!r} is not known; known are {', '.join(sorted(_WHOLE | _FRACTION | _WORDS))}"
    )


def _places(text: str) -> dict[str, Any]:
    hosts, ports = [], []
    for place in text.split(","):
        host, colon, port = place.rpartition(":") if _has_port(place) else (place, "", "")
        if not host or (colon and not (port.isdigit() and 0 < int(port) < 65536)):
            raise ValueError("each of its hosts has a name, and its port is a number")
        hosts.append(host.strip("[]"))
        ports.append(int(port) if colon else 5432)
    if len(hosts) == 1:
        return {"host": hosts[0], "port": ports[0]}
    return {"host": hosts, "port": ports}


def _has_port(place: str) -> bool:
    # An IPv6 address is in brackets and is full of colons itself.
    return ":" in place.rpartition("]")[2]
