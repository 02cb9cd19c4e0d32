"""Routes, and the table that finds the route of a path."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from marshmallow import fields, validate
from yarl import URL

from shared.contracts.authentication import LEVELS
from shared.declared import declared
from shared.errors import Malformed
from shared.policy.paths import canonical, folded, segments
from shared.policy.prefix_tree import PrefixTree
from shared.settings import Parsed

DECISION_PATH = "/api/v2/auth"
"""The decision endpoint, for forward auth; no route can have a prefix below it."""

_MAX_CACHED_PATHS = 4096
"""A path has 2 KB at most."""

_METHOD = re.compile(r"[A-Z]+")
_RATE = re.compile(r"([0-9]{1,6})/(s|m|h)")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


class Access(StrEnum):
    """Who may call a route: everybody, nobody, or whom the permissions allow."""

    PUBLIC = "public"
    BLOCKED = "blocked"
    REQUIRED = "required"


class PathRule(StrEnum):
    """Which paths a route accepts: unambiguous ones, or also those with `%2F`, `;` and `//`."""

    STRICT = "strict"
    RAW = "raw"


class Rate(NamedTuple):
    """A rate limit: a burst of `calls`, then one call each `interval` seconds."""

    calls: int
    interval: float


def rate(value: Any) -> Rate:
    """A rate like `100/s`; raises ValueError."""
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None or not (calls := int(match[1])):
        raise ValueError("Not a rate like 100/s, 600/m or 1000/h.")
    return Rate(calls, _SECONDS[match[2]] / calls)


DEFAULT_RATE = Rate(100, 1 / 100)
"""The rate of what has none of its own and asks for no credentials, for each client."""

DEFAULT_BURST = 200


def _prefix(value: Any) -> str:
    path = _path(value)
    if path != canonical(path):
        raise ValueError(f"Calls arrive as {canonical(path)}: write that.")
    if path.startswith(DECISION_PATH) and segments(path)[:3] == segments(DECISION_PATH):
        raise ValueError(f"{DECISION_PATH} is the gateway's own.")
    return path


def _path(value: Any) -> str:
    """A valid path without a slash at its end."""
    try:
        canonical(value if isinstance(value, str) else "")
    except Malformed:
        raise ValueError("Not a path.") from None
    if value != "/" and value.endswith("/"):
        raise ValueError("Not to end with a slash: a prefix ends where a segment ends.")
    return str(value)


def _upstream(value: Any) -> str:
    url = URL(value) if isinstance(value, str) else URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("Not the http:// or https:// address of a server.")
    if url != url.origin():
        raise ValueError("Only scheme, host and port; a path belongs into `rewrite`.")
    return str(url.origin())


def _methods(value: Any) -> frozenset[str]:
    if not isinstance(value, list) or not value:
        raise ValueError("Not a list of methods.")
    for method in value:
        if not isinstance(method, str) or not _METHOD.fullmatch(method):
            raise ValueError(f"{method} is no method.")
    return frozenset(value)


@dataclass(frozen=True, kw_only=True)
class Route:
    """A path prefix, who may call the paths below it, and their upstream."""

    prefix: str = declared(Parsed(_prefix, required=True))
    access: Access = declared(Parsed(Access, required=True))
    upstream: str = declared(Parsed(_upstream), "")
    rewrite: str | None = declared(Parsed(_path), None)
    """Replaces `prefix` in the path for the upstream."""
    methods: frozenset[str] | None = declared(Parsed(_methods), None)
    """The methods of the route; None for all. GET includes HEAD."""
    timeout: float | None = declared(
        fields.Float(validate=validate.Range(min=0, min_inclusive=False)), None
    )
    """Longest silence of the upstream, seconds."""
    cookies: bool = declared(fields.Boolean(), default=False)
    """Whether the upstream reads the client's own credentials: our session cookie and, on a public
    route, the Authorization header."""

    max_age: int | None = declared(
        fields.Integer(strict=True, validate=validate.Range(1, 31_536_000)), None
    )
    """How long ago the caller was authenticated at most, seconds (RFC 9470)."""
    acr: str | None = declared(fields.String(validate=validate.OneOf(LEVELS)), None)
    """The level that the caller's authentication has to reach."""
    scope: str = declared(fields.String(), "")
    """API keys that have scopes need this one."""
    resource: bool = declared(fields.Boolean(), default=False)
    """Whether the route is a protected resource (RFC 9728): access tokens need its own address as
    their audience, and the gateway shows its metadata."""
    rate: Rate | None = declared(Parsed(rate), None)
    """How often one client may call, at each gateway; None: authenticated calls have no limit. A
    public route of a `RouteTable` always has one."""
    burst: int | None = declared(fields.Integer(validate=validate.Range(1, 10**6)), None)
    """How many calls one client may make at once; by default the number in `rate`."""
    websocket: bool = declared(fields.Boolean(), default=False)
    """Whether a call may become a WebSocket."""
    stream: bool = declared(fields.Boolean(), default=False)
    """Whether bodies are forwarded as they arrive, however slowly."""
    idle: float = declared(
        fields.Float(validate=validate.Range(0, 3600)),
        4.0,
    )
    """How long an idle connection to the upstream is kept, seconds. It must be less than the
    upstream's own idle timeout, which is often five seconds."""
    reuse_bodyless: bool = declared(fields.Boolean(), default=False)
    """Whether a connection is reused after a response without a body: to HEAD, 204, 304."""

    audit_bytes: int | None = declared(fields.Integer(validate=validate.Range(1, 10**9)), None)
    """Largest multipart body of an audited call; by default 256 KB, as for all other bodies."""
    trusted: bool = declared(fields.Boolean(), default=False)
    """Whether the upstream is one of our own services, whose responses may announce changes."""
    case_insensitive: bool = declared(fields.Boolean(), default=False)
    """Whether the upstream ignores case below the prefix."""
    page: bool = declared(fields.Boolean(), default=False)
    """Whether people open it in browsers: refusals of the gateway are pages, too."""
    trailers: bool = declared(fields.Boolean(), default=False)
    """Whether trailers of responses are forwarded to clients that accept them."""
    path: PathRule = declared(Parsed(PathRule), PathRule.STRICT)

    @property
    def takes_raw_paths(self) -> bool:
        """Whether paths may contain `%2F`, `;` and `//`."""
        return self.path is PathRule.RAW

    def allows(self, method: str) -> bool:
        """Whether the route has the method."""
        return self.methods is None or ("GET" if method == "HEAD" else method) in self.methods

    def upstream_path(self, path: str) -> str:
        """The path for the upstream, from a canonical path below the prefix."""
        if self.rewrite is None:
            return path
        # Cut by segments: with other escapes the prefix may have another length in the path.
        depth = len(segments(self.prefix))
        rest = path.split("/", depth + 1)[depth + 1 :]
        return "/".join((self.rewrite.rstrip("/"), *rest)) or "/"

    def raw_upstream_path(self, path: str) -> str:
        """The path for the upstream, from an ambiguous path as received; raises `Malformed`.

        The path must begin with the prefix exactly as it is written in the routes file.
        """
        prefix = self.prefix.rstrip("/")
        if not self.takes_raw_paths or not f"{path}/".startswith(f"{prefix}/"):
            raise Malformed
        if self.rewrite is None:
            return path
        return self.rewrite.rstrip("/") + path.removeprefix(prefix) or "/"


UNROUTED = Route(prefix="/", access=Access.REQUIRED)
"""The route of forward-auth calls that match no other route: they need a permission."""


class MatchedRoute:
    """The route that matches a path, and the path for its upstream.

    `methods`: the methods of the route, None for all. `has_siblings`: other routes have the same
    prefix, for other methods.
    """

    __slots__ = ("has_siblings", "methods", "path", "route")

    def __init__(self, route: Route, path: str, *, has_siblings: bool = False) -> None:
        self.route = route
        self.path = path
        self.has_siblings = has_siblings
        self.methods = route.methods
        if self.methods is not None and "GET" in self.methods:
            self.methods |= {"HEAD"}


class RouteTable:
    """All routes. The longest matching prefix wins; the method decides between equal prefixes."""

    def __init__(self, routes: Iterable[Route]) -> None:
        routes = tuple(map(with_rate, routes))
        self._tree = PrefixTree((segments(route.prefix), route) for route in routes)
        self._folded = PrefixTree((folded(segments(route.prefix)), route) for route in routes)
        self.match = lru_cache(_MAX_CACHED_PATHS)(self._match)

    def find(self, path: str, method: str = "GET") -> Route | None:
        """The route of a canonical path."""
        match = self.match(path, method)
        return match.route if match else None

    def _match(self, path: str, method: str) -> MatchedRoute | None:
        """The matching route of a canonical path."""
        parts = segments(path)
        covering = list(self._tree.along(parts))
        if covering and covering[-1].case_insensitive:
            # Prefixes below it match in any case too: a blocked route must not be evaded.
            above = segments(covering[-1].prefix)
            covering += (
                route
                for route in self._folded.along(folded(parts))
                if segments(route.prefix)[: len(above)] == above
            )
        if not covering:
            return None
        nearest = max(len(segments(route.prefix)) for route in covering)
        routes = [route for route in covering if len(segments(route.prefix)) == nearest]
        route = next((route for route in routes if route.allows(method)), routes[-1])
        return MatchedRoute(route, route.upstream_path(path), has_siblings=len(routes) > 1)


def with_rate(route: Route) -> Route:
    """The route; with the default rate if it is public and has none."""
    if route.access is not Access.PUBLIC or route.rate is not None:
        return route
    return replace(route, rate=DEFAULT_RATE, burst=DEFAULT_BURST)
