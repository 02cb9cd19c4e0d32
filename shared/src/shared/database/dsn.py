"""Connection strings of PostgreSQL in URL form, as asyncpg (and libpq) read them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

_PORT = 5432
_SCHEMES = ("postgres", "postgresql")
_NAMES = {"dbname": "database"}
"""Names of libpq by those of asyncpg."""


@dataclass(frozen=True, slots=True)
class Host:
    """Where a server listens: a name or an address, or the folder of a Unix socket."""

    name: str
    port: int

    @property
    def is_socket(self) -> bool:
        return self.name.startswith("/")


@dataclass(frozen=True, slots=True)
class Dsn:
    """Who connects to which database, on one of several hosts."""

    hosts: tuple[Host, ...]
    user: str
    password: str = field(repr=False)
    database: str
    options: Mapping[str, str]

    @classmethod
    def parse(cls, text: str, environment: Mapping[str, str] = os.environ) -> "Dsn":
        """Reads an address; what it leaves out is taken from libpq's variables (PGHOST …).

        Raises ValueError, whose message repeats nothing of the text: it may hold a password.
        """
        try:
            return _parsed(text, environment)
        except ValueError:
            raise ValueError("Not a postgresql:// address.") from None

    def url(self, host: Host, **options: str) -> str:
        """The address of one of the hosts; `options` come on top of its own."""
        query = {**self.options, **options}
        if host.is_socket:
            query |= {"host": host.name, "port": str(host.port)}
            place = ""
        else:
            place = f"[{host.name}]" if ":" in host.name else host.name
            place = f"{place}:{host.port}"
        credentials = quote(self.user, safe="")
        if self.password:
            credentials += f":{quote(self.password, safe='')}"
        at = f"{credentials}@" if credentials else ""
        path = quote(self.database, safe="")
        return f"postgres://{at}{place}/{path}?{urlencode(query, quote_via=quote)}"


def _parsed(text: str, environment: Mapping[str, str]) -> Dsn:
    parts = urlsplit(text)
    if parts.scheme not in _SCHEMES:
        raise ValueError
    pairs = parse_qsl(parts.query, strict_parsing=True) if parts.query else []
    query = {_NAMES.get(name, name): value for name, value in pairs}
    credentials, _, places = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    user = unquote(user) or query.pop("user", "") or environment.get("PGUSER", "")
    password = unquote(password) or query.pop("password", "") or environment.get("PGPASSWORD", "")
    database = unquote(parts.path.removeprefix("/")) or query.pop("database", "")
    hosts = _hosts(
        places or query.pop("host", "") or environment.get("PGHOST", "localhost"),
        query.pop("port", "") or environment.get("PGPORT", ""),
    )
    for name in ("user", "password", "database", "host", "port"):
        query.pop(name, None)
    return Dsn(hosts, user, password, database or environment.get("PGDATABASE", "") or user, query)


def _hosts(places: str, ports: str) -> tuple[Host, ...]:
    """The hosts of a list such as `a:5432,[::1],/run/postgresql`, whose ports may be in `ports`."""
    common = [int(port) for port in ports.split(",")] if ports else [_PORT]
    named = places.split(",")
    if len(common) == 1:
        common *= len(named)
    return tuple(_host(place, port) for place, port in zip(named, common, strict=True))


def _host(place: str, port: int) -> Host:
    place = unquote(place)
    if place.startswith("/"):
        return Host(str(Path(place)), port)
    if place.startswith("["):
        name, bracket, rest = place[1:].partition("]")
        given = rest.removeprefix(":")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError
    else:
        name, _, given = place.partition(":")
    if given:
        port = int(given)
    if not name or not 0 < port < 65_536:
        raise ValueError
    return Host(name, port)
