"""Routes that are protected resources of their own, and how clients learn it (RFC 9728)."""

import json
from typing import Final

from authz_gateway.http.responses import Answer
from authz_gateway.routing.route_table import Access, Route, RouteTable, with_rate
from shared.errors import Unauthenticated
from shared.tokens.dpop import ALGORITHMS

METADATA_PATH: Final = "/.well-known/oauth-protected-resource"
METADATA_ROUTE: Final = with_rate(
    Route(prefix=METADATA_PATH, access=Access.PUBLIC, methods=frozenset({"GET"}))
)
"""The route by which calls for the metadata are decided: only restrictions and its rate apply."""

_LINES: Final = ("Content-Type: application/json", "Cache-Control: public, max-age=300")


def audience_of(route: Route, issuer: str) -> str:
    """The audience that access tokens need at a route: its address, or the issuer's."""
    return f"{issuer}{route.prefix}" if route.resource else issuer


def challenge(refusal: Unauthenticated, route: Route, issuer: str) -> None:
    """Adds the address of the metadata to a refusal at such a route (RFC 9728, 5.1)."""
    if not route.resource:
        return
    given = refusal.headers.get("WWW-Authenticate", "Bearer")
    metadata = f'resource_metadata="{issuer}{METADATA_PATH}{route.prefix}"'
    comma = "," if " " in given else ""
    refusal.headers = {**refusal.headers, "WWW-Authenticate": f"{given}{comma} {metadata}"}


def resource_at(routes: RouteTable, path: str) -> Route | None:
    """The resource whose metadata have this path (RFC 9728, 3.1); None without one."""
    prefix = path.removeprefix(METADATA_PATH)
    route = routes.find(prefix) if prefix else None
    return route if route is not None and route.resource and route.prefix == prefix else None


def metadata(route: Route, issuer: str) -> Answer:
    """The metadata of a resource (RFC 9728, 2)."""
    shown = {
        "resource": audience_of(route, issuer),
        "authorization_servers": [issuer],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        **({"scopes_supported": [route.scope]} if route.scope else {}),
    }
    return Answer(200, _LINES, json.dumps(shown).encode())
