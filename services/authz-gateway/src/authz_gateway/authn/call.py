"""A call that needs a decision, and its caller."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from multidict import MultiMapping

from authz_gateway.http.parser import RequestHead
from authz_gateway.routing.route_table import Route
from shared.contracts.sessions import ResolvedSession, UserToken
from shared.values.addresses import Address
from shared.values.principal import Principal


class Call:
    """A call before authentication.

    `path` is canonical; `path` and `query`, without question mark, are what the upstream gets.
    `head` is the request's; in forward auth, method, path and query are those of the original call.
    `body(limit)` reads the whole body, which can still be forwarded: None above `limit` bytes.
    `address_text` is `address` as text.

    `target`: path and query as the client sent them, which signatures cover. `trusted`: a trusted
    proxy sent the request. `forward_auth`: another proxy forwards the call itself, and may withhold
    its body from the gateway.
    """

    __slots__ = (
        *("address", "body", "forward_auth", "head", "method", "path", "query", "route"),
        *("address_text", "target", "trusted"),
    )

    def __init__(
        self,
        route: Route,
        method: str,
        path: str,
        query: str,
        head: RequestHead,
        body: Callable[[int], Awaitable[bytes | None]],
        address: Address,
        address_text: str,
        target: str,
        *,
        trusted: bool = False,
        forward_auth: bool = False,
    ) -> None:
        self.route = route
        self.method = method
        self.path = path
        self.query = query
        self.head = head
        self.body = body
        self.address = address
        self.address_text = address_text
        self.target = target
        self.trusted = trusted
        self.forward_auth = forward_auth

    @property
    def headers(self) -> MultiMapping[str]:
        """The headers of the request."""
        return self.head.headers


@dataclass
class Caller:
    """The authenticated caller, with the bearer token for upstreams.

    `kid`: the id of the caller's API key, None without one. `grant`: the id of the grant of an
    OAuth access token, None without one. `in_scope`: whether the scopes of key or token include the
    route's. `authorization_line`: the header line with the token, with its line break.
    """

    principal: Principal
    token: str
    in_scope: bool = True
    kid: str | None = None
    grant: str | None = None

    def __post_init__(self) -> None:
        self.authorization_line = f"Authorization: Bearer {self.token}\r\n".encode()

    @classmethod
    def of(cls, session: ResolvedSession) -> "Caller":
        """The user of a session. Session data win over those of an older bearer token."""
        return cls(session.principal, session.token)

    @classmethod
    def of_key(cls, owner: UserToken, kid: str, *, in_scope: bool) -> "Caller":
        """The owner of an API key."""
        return cls(owner.principal, owner.token, in_scope=in_scope, kid=kid)

    @classmethod
    def of_grant(cls, owner: UserToken, grant: str, *, in_scope: bool) -> "Caller":
        """A user for whom an OAuth client calls."""
        return cls(owner.principal, owner.token, in_scope=in_scope, grant=grant)
