"""A call to be decided about."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from multidict import MultiMapping

from authz_gateway.routing.route_table import Route
from shared.web.client_address import Address


class Call(NamedTuple):
    """What is known of a call before it is decided who makes it.

    `path` is canonical, `query` what follows its question mark, both as they are sent upstream.
    `body` reads the client's whole body, which is forwarded all the same: None when it has more
    bytes than `body` is called with.
    """

    route: Route
    method: str
    path: str
    query: str
    headers: MultiMapping[str]
    body: Callable[[int], Awaitable[bytes | None]]
    address: Address
