"""Sends messages to endpoints: one attempt each, never to an address that is not allowed."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp

from shared.clients.outside import FORBIDDEN, outside_session
from shared.values.addresses import Network
from webhooks_svc.deliveries.models import Message, Outcome

_CONNECT_SECONDS = 5.0
_MAX_ANSWER_BYTES = 1024
_SECONDS = re.compile(r"[0-9]{1,9}")


class HttpSender:
    """Connections to endpoints, never to an address that is not allowed."""

    def __init__(self, allowed: Sequence[Network], timeout: float) -> None:
        self._allowed = allowed
        self._timeout = aiohttp.ClientTimeout(total=timeout, connect=_CONNECT_SECONDS)
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Opens the pool for the time of the block."""
        async with outside_session("Webhooks", self._allowed, self._timeout) as self._session:
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


def _described(error: Exception) -> str:
    """The kind of an error; its text could disclose facts about our own network."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if FORBIDDEN in str(cause):
        return FORBIDDEN
    return type(error).__name__


def _retry_after(text: str) -> int:
    """The seconds of `Retry-After` (RFC 9110, 10.2.3); 0 for a date."""
    return int(text) if _SECONDS.fullmatch(text.strip()) else 0
