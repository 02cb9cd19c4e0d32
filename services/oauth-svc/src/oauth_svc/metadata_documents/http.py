"""Fetches the documents of clients: once each, never from an address of our own network."""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from oauth_svc.metadata_documents.models import DocumentRefused, DocumentUnreachable, Fetched
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

    def __init__(self, allowed: Sequence[Network]) -> None:
        self._allowed = allowed
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
            raise DocumentUnreachable("cannot be fetched")
        headers = {"Accept": "application/json, application/cimd+json"}
        try:
            with self._turn(urlsplit(url).hostname or ""):
                async with self._session.get(
                    url, headers=headers, allow_redirects=False
                ) as response:
                    return await _read(response)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            # Nothing else is told: it could be about our own network.
            raise DocumentUnreachable("cannot be fetched") from None

    @contextmanager
    def _turn(self, host: str) -> Iterator[None]:
        """Raises `DocumentUnreachable` if too many are being fetched, of all hosts or of one."""
        if self._under_way.total() >= _AT_ONCE or self._under_way[host] >= _AT_ONCE_OF_A_HOST:
            raise DocumentUnreachable("cannot be fetched now, because too many are")
        self._under_way[host] += 1
        try:
            yield
        finally:
            self._under_way[host] -= 1
            if not self._under_way[host]:
                del self._under_way[host]


async def _read(response: aiohttp.ClientResponse) -> Fetched:
    if response.status >= 500:
        raise DocumentUnreachable("cannot be fetched")
    if response.status != 200:
        raise DocumentRefused("is not there; redirects are not followed")
    kind = media_type(response.headers.get("Content-Type", ""))
    if kind != "application/json" and not (
        kind.startswith("application/") and kind.endswith("+json")
    ):
        raise DocumentRefused("is not application/json")
    if "Content-Encoding" in response.headers:
        raise DocumentRefused("is encoded")
    body = b""
    while more := await response.content.read(MAX_DOCUMENT_BYTES + 1 - len(body)):
        body += more
        if len(body) > MAX_DOCUMENT_BYTES:
            raise DocumentRefused(f"is larger than {MAX_DOCUMENT_BYTES} bytes")
    return Fetched(_object(body), _seconds(response.headers.get("Cache-Control", "")))


def _object(body: bytes) -> dict[str, Any]:
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise DocumentRefused("is no JSON object")
    return read


def _seconds(cache_control: str) -> int:
    """For how long it counts (RFC 9111, 5.2.2): a minute at least, a day at most."""
    if re.search("no-store|no-cache", cache_control, re.IGNORECASE):
        return _SHORTEST
    found = _MAX_AGE.search(cache_control)
    return min(max(int(found[1]), _SHORTEST), _LONGEST) if found else _USUAL
