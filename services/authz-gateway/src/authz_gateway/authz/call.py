"""A call to be decided about, and its caller."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from multidict import MultiMapping

from authz_gateway.http.parser import RequestHead
from authz_gateway.routing.route_table import Route
from shared.contracts.sessions import ResolvedSession, UserToken
from shared.values.addresses import Address
from shared.values.principal import Principal


class Call:
    """What is known of a call before it is decided who makes it.

    `path` is canonical, `query` what follows its question mark, both as they are sent upstream.
    `head` is that of the request; where a proxy carries the call itself, method, path and query are
    the carried call's. `body` reads the client's whole body, which is forwarded all the same: None
    when it has more bytes than `body` is called with. `address_text` is `address` as text.

    What signatures cover is what the client sent: `target` is the request line's, path and query.
    `trusted`: it came from a proxy whose X-Forwarded- headers count. `carried`: another proxy
    carries the call and asks about it here, perhaps without handing over its body.
    """

    __slots__ = (
        *("address", "body", "carried", "head", "method", "path", "query", "route"),
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
        carried: bool = False,
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
        self.carried = carried

    @property
    def headers(self) -> MultiMapping[str]:
        """The headers of the request."""
        return self.head.headers


@dataclass(frozen=True)
class Caller:
    """Who is calling, and the token that says so to upstreams.

    `in_scope`: whether the API key, if the caller uses one, is meant for such calls; `kid` is the
    id of that key.
    """

    principal: Principal
    token: str
    in_scope: bool = True
    kid: str | None = None

    @classmethod
    def of(cls, session: ResolvedSession) -> "Caller":
        """The user as their session shows them now, whatever older tokens say."""
        return cls(session.principal, session.token)

    @classmethod
    def of_key(cls, owner: UserToken, kid: str, *, in_scope: bool) -> "Caller":
        """The owner of an API key."""
        return cls(owner.principal, owner.token, in_scope=in_scope, kid=kid)
