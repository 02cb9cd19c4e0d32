"""Reads what the audit needs of a call: its body, and the headers that describe the body."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from multidict import CIMultiDict, MultiMapping

from authz_gateway.authn.call import Call
from authz_gateway.http.errors import Stalled
from authz_gateway.http.headers import members_of
from shared.errors import Throttled, TooLarge, Unavailable
from shared.web.bodies import MAX_BODY_BYTES, MULTIPART, media_type

_BODY_HEADERS = ("Content-Type", "Content-Encoding")
_WITHOUT_BODY = frozenset({"GET", "HEAD"})

_MAX_PER_USER = 2
_MAX_TOTAL = 4
_RETRY_SECONDS = 1
MAX_SECONDS = 300.0


class LargeBodies:
    """Limits how many large bodies are in memory; `max_seconds`: longest use of a slot."""

    def __init__(self, max_seconds: float = MAX_SECONDS) -> None:
        self._max_seconds = max_seconds
        self._in_use: Counter[str] = Counter()

    @asynccontextmanager
    async def slot(self, uid: str) -> AsyncIterator[None]:
        """Occupies a slot while the block runs.

        Raises `Throttled` when the user has two slots, `Unavailable` when all four are in use, and
        `Stalled` when the block takes longer than `max_seconds`.
        """
        if self._in_use[uid] >= _MAX_PER_USER:
            raise Throttled(_RETRY_SECONDS)
        if self._in_use.total() >= _MAX_TOTAL:
            raise Unavailable("memory for audited bodies")
        self._in_use[uid] += 1
        try:
            async with asyncio.timeout(self._max_seconds):
                yield
        except TimeoutError:
            raise Stalled from None
        finally:
            self._in_use[uid] -= 1
            if not self._in_use[uid]:
                del self._in_use[uid]


def limit_of(call: Call, headers: MultiMapping[str]) -> int:
    """Largest body of an audited call, bytes; a route may allow larger multipart bodies."""
    if media_type(headers.get("Content-Type", "")) == MULTIPART:
        return call.route.audit_bytes or MAX_BODY_BYTES
    return MAX_BODY_BYTES


async def body_of(call: Call, limit: int) -> bytes:
    """The whole body; raises `TooLarge`, or the `Refusal` of a body that is not sent completely."""
    body = await call.body(limit)
    if body is None:
        raise TooLarge
    return body


def may_be_withheld(call: Call, body: bytes) -> bool:
    """Whether this is forward auth without a body: the proxy may have withheld it."""
    return call.forward_auth and not body and call.method not in _WITHOUT_BODY


def headers_of(call: Call) -> CIMultiDict[str]:
    """The headers that describe the body, except those that Connection lists: hop-by-hop ones."""
    named = members_of(call.headers.getall("Connection", ()))
    names = (name for name in _BODY_HEADERS if name.lower() not in named)
    return CIMultiDict((name, value) for name in names for value in call.headers.getall(name, ()))
