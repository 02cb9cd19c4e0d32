"""Routes, and the one that a call takes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from marshmallow import fields, validate
from yarl import URL

from authz_gateway.paths import Target, canonical, segments
from authz_gateway.prefix_tree import PrefixTree
from shared.declared import declared
from shared.errors import Malformed
from shared.settings import Parsed

DECISION_PATH = "/api/v2/auth"
"""Where the decision alone is asked for; no route can stand below it."""

_METHOD = re.compile(r"[A-Z]+")


class Access(StrEnum):
    """Who may take a route: everyone, nobody, or whom the permissions let pass."""

    PUBLIC = "public"
    BLOCKED = "blocked"
    REQUIRED = "required"


def _prefix(value: Any) -> str:
    path = _path(value)
    if path != canonical(path):
        raise ValueError(f"Calls arrive as {canonical(path)}: write that.")
    if path.startswith(DECISION_PATH) and segments(path)[:3] == segments(DECISION_PATH):
        raise ValueError(f"{DECISION_PATH} is the gateway's own.")
    return path


def _path(value: Any) -> str:
    """A path that a request could have, without a slash at its end."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A prefix, who may call what lies below it, and where that is."""

    prefix: str = declared(Parsed(_prefix, required=True))
    access: Access = declared(Parsed(Access, required=True))
    upstream: str = declared(Parsed(_upstream), "")
    rewrite: str | None = declared(Parsed(_path), None)
    """What the upstream has in place of `prefix`."""
    methods: frozenset[str] | None = declared(Parsed(_methods), None)
    """The methods that exist; None for all. HEAD exists where GET does."""
    timeout: float | None = declared(
        fields.Float(validate=validate.Range(min=0, min_inclusive=False)), None
    )
    """Longest silence of the upstream, seconds."""
    cookies: bool = declared(fields.Boolean(), default=False)
    """Whether the upstream reads the client's own credentials: our session cookie and, on a public
    route, the Authorization header."""

    scope: str = declared(fields.String(), "")
    """Which API keys may call, of those that have scopes: those that have this one."""

    def allows(self, method: str) -> bool:
        """Whether there is anything to call with `method`."""
        return self.methods is None or ("GET" if method == "HEAD" else method) in self.methods

    def url(self, target: Target) -> URL:
        """The upstream's URL for a target below the prefix, byte for byte."""
        path, query = target
        if self.rewrite is not None:
            # Cut by segments: with other escapes the prefix has another length in the path.
            depth = len(segments(self.prefix))
            rest = path.split("/", depth + 1)[depth + 1 :]
            path = "/".join((self.rewrite.rstrip("/"), *rest)) or "/"
        return URL(f"{self.upstream}{path}{'?' if query else ''}{query}", encoded=True)


class RouteTable:
    """All routes; the longest prefix decides."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._tree = PrefixTree((segments(route.prefix), route) for route in routes)

    def find(self, path: str) -> Route | None:
        """The route of a canonical path."""
        covering = list(self._tree.along(segments(path)))
        return covering[-1] if covering else None
