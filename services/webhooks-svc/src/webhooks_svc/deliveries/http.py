"""Sends messages to endpoints: one attempt each, never to an address that is not allowed."""

import re
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from shared.values.addresses import Network, address_of
from shared.version import VERSION
from webhooks_svc.deliveries.models import Message, Outcome
from webhooks_svc.endpoints.models import may_be_called

_CONNECT_SECONDS = 5.0
_MAX_ANSWER_BYTES = 1024
_SECONDS = re.compile(r"[0-9]{1,9}")


class HttpSender:
    """Connections to endpoints. Names are resolved anew for each connection.

    The address is checked where the connection is made, after the name was resolved: no answer of
    a name server can lead to a private address.
    """

    def __init__(self, allowed: Sequence[Network], timeout: float) -> None:
        self._allowed = allowed
        self._timeout = aiohttp.ClientTimeout(total=timeout, connect=_CONNECT_SECONDS)
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Opens the pool for the time of the block."""
        connector = aiohttp.TCPConnector(
            limit=0, use_dns_cache=False, socket_factory=self._checked_socket
        )
        async with aiohttp.ClientSession(
            connector=connector,
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            headers={"User-Agent": f"Barong-Webhooks/{VERSION}", "Accept-Encoding": "identity"},
        ) as self._session:
            yield
        self._session = None

    async def send(self, url: str, message: Message, headers: dict[str, str]) -> Outcome:
        """One attempt; redirects are not followed. Raises nothing: an error is an outcome."""
        if self._session is None:
            return Outcome(error="the service stops")
        try:
            async with self._session.post(
                url, data=message.payload.encode(), headers=headers, allow_redirects=False
            ) as response:
                answer = await response.content.read(_MAX_ANSWER_BYTES)
                return Outcome(
                    status=response.status,
                    answer=answer.decode("utf-8", "replace").replace("\x00", "�"),
                    retry_after=_retry_after(response.headers.get("Retry-After", "")),
                )
        except TimeoutError:
            return Outcome(error="timeout")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Outcome(error=_described(error))

    def _checked_socket(self, info: Any) -> socket.socket:
        """A socket for an address that may be called; raises `OSError` for another."""
        family, kind, protocol, _, place = info
        address = address_of(place[0])
        if address is None or not may_be_called(address, self._allowed):
            raise OSError(_FORBIDDEN)
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made


_FORBIDDEN = "the address is not public"


def _described(error: Exception) -> str:
    """The kind of an error; its text could tell of our own network."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if _FORBIDDEN in str(cause):
        return _FORBIDDEN
    return type(error).__name__


def _retry_after(text: str) -> int:
    """The seconds of `Retry-After` (RFC 9110, 10.2.3); 0 for a date."""
    return int(text) if _SECONDS.fullmatch(text.strip()) else 0
