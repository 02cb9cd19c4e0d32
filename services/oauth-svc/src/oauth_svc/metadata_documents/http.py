"""Fetches the documents of clients: once each, never from an address of our own network."""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from oauth_svc.metadata_documents.models import (
    METADATA_DOCUMENT,
    DocumentRefused,
    DocumentUnreachable,
    Fetched,
    TooManyFetches,
)
from shared.clients.outside import outside_session
from shared.values.addresses import Network
from shared.web.bodies import media_type

MAX_DOCUMENT_BYTES = 5 * 1024
"""Section 6.6 of the draft."""

_TIMEOUT = aiohttp.ClientTimeout(total=5, connect=3)
_AT_ONCE = 32
_AT_ONCE_OF_A_HOST = 2
_SHORTEST, _USUAL, _LONGEST = 60, 3600, 86_400
_MAX_AGE = re.compile(r"(?:^|,)\s*max-age=\"?([0-9]{1,9})\"?\s*(?:,|$)", re.IGNORECASE)


class DocumentFetcher:
    """Connections to servers of documents. A host that does not answer holds up no other."""

    def __init__(
        self,
        allowed: Sequence[Network],
        what: str = METADATA_DOCUMENT,
        max_bytes: int = MAX_DOCUMENT_BYTES,
    ) -> None:
        """`what` is fetched, as refusals name it; `max_bytes` is the size of the largest one."""
        self._allowed = allowed
        self._what = what
        self._max_bytes = max_bytes
        self._session: aiohttp.ClientSession | None = None
        self._under_way: Counter[str] = Counter()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Opens the pool for the time of the block."""
        async with outside_session("OAuth", self._allowed, _TIMEOUT) as self._session:
            yield
        self._session = None

    async def fetch(self, url: str) -> Fetched:
        """The document; redirects are not followed.

        Raises `DocumentRefused`, or `DocumentUnreachable` if another attempt may succeed.
        """
        if self._session is None:
            raise self._unreachable()
        headers = {"Accept": "application/json, application/*+json"}
        try:
            with self._turn(urlsplit(url).hostname or ""):
                async with self._session.get(
                    url, headers=headers, allow_redirects=False
                ) as response:
                    return await self._read(response)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            raise self._unreachable() from None

    @contextmanager
    def _turn(self, host: str) -> Iterator[None]:
        """Raises `TooManyFetches` if too many are being fetched, of all hosts or of one."""
        if self._under_way.total() >= _AT_ONCE or self._under_way[host] >= _AT_ONCE_OF_A_HOST:
            raise TooManyFetches(self._what)
        self._under_way[host] += 1
        try:
            yield
        finally:
            self._under_way[host] -= 1
            if not self._under_way[host]:
                del self._under_way[host]

    async def _read(self, response: aiohttp.ClientResponse) -> Fetched:
        if response.status >= 500:
            raise self._unreachable()
        if response.status != 200:
            raise self._refused("is not there; redirects are not followed")
        kind = media_type(response.headers.get("Content-Type", ""))
        if kind != "application/json" and not (
            kind.startswith("application/") and kind.endswith("+json")
        ):
            raise self._refused("is not application/json")
        if "Content-Encoding" in response.headers:
            raise self._refused("is encoded")
        body = b""
        while more := await response.content.read(self._max_bytes + 1 - len(body)):
            body += more
            if len(body) > self._max_bytes:
                raise self._refused(f"is larger than {self._max_bytes} bytes")
        read = _object(body)
        if read is None:
            raise self._refused("is no JSON object")
        return Fetched(read, _seconds(response.headers.get("Cache-Control", "")))

    def _unreachable(self) -> DocumentUnreachable:
        # Nothing else is told: it could be about our own network.
        return DocumentUnreachable("cannot be fetched", self._what)

    def _refused(self, why: str) -> DocumentRefused:
        return DocumentRefused(why, self._what)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def _seconds(cache_control: str) -> int:
    """For how long it is valid (RFC 9111, 5.2.2): a minute at least, a day at most."""
    if re.search("no-store|no-cache", cache_control, re.IGNORECASE):
        return _SHORTEST
    found = _MAX_AGE.search(cache_control)
    return min(max(int(found[1]), _SHORTEST), _LONGEST) if found else _USUAL
