"""What the audit reads of a call: the body and the headers that the upstream will get."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from multidict import CIMultiDict, MultiMapping

from authz_gateway.authz.call import Call
from authz_gateway.http.errors import Stalled
from shared.errors import Throttled, TooLarge, Unavailable
from shared.web.bodies import MAX_BODY_BYTES, MULTIPART, media_type

_READ = ("Content-Type", "Content-Encoding")
_BODILESS = frozenset({"GET", "HEAD"})

_LARGE_OF_ONE_USER = 2
_LARGE_AT_ONCE = 4
_RETRY_SECONDS = 1
_LONGEST_SECONDS = 300.0


class LargeBodies:
    """Turns for bodies that are larger than usual: each is held in memory until it was read."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()

    @asynccontextmanager
    async def turn(self, uid: str) -> AsyncIterator[None]:
        """One for the time of the block.

        Raises `Throttled` where the user has two under way, `Unavailable` where there are four, and
        `Stalled` where the body takes longer than five minutes.
        """
        if self._held[uid] >= _LARGE_OF_ONE_USER:
            raise Throttled(_RETRY_SECONDS)
        if self._held.total() >= _LARGE_AT_ONCE:
            raise Unavailable("memory for audited bodies")
        self._held[uid] += 1
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                yield
        except TimeoutError:
            raise Stalled from None
        finally:
            self._held[uid] -= 1
            if not self._held[uid]:
                del self._held[uid]


def limit_of(call: Call, headers: MultiMapping[str]) -> int:
    """Largest body that is audited, bytes: a route may take larger ones, where they have files."""
    if media_type(headers.get("Content-Type", "")) == MULTIPART:
        return call.route.audit_bytes or MAX_BODY_BYTES
    return MAX_BODY_BYTES


async def body_of(call: Call, limit: int) -> bytes:
    """The whole body; raises `TooLarge`, or the `Refusal` for a client that does not send it."""
    body = await call.body(limit)
    if body is None:
        raise TooLarge
    return body


def is_hidden(call: Call, body: bytes) -> bool:
    """Whether another proxy carries the call, and may have kept its body to itself."""
    return call.forward_auth and not body and call.method not in _BODILESS


def headers_of(call: Call) -> CIMultiDict[str]:
    """What describes the body, without what the client names in Connection: that ends here."""
    connection = ",".join(call.headers.getall("Connection", ()))
    named = {member.strip(" \t").lower() for member in connection.split(",")}
    kept = (name for name in _READ if name.lower() not in named)
    return CIMultiDict((name, value) for name in kept for value in call.headers.getall(name, ()))
