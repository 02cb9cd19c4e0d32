"""Calls to OpenID providers: bounded in time, size and number, and never to our own network.

The network is checked although the operator chose the issuer: its documents name further addresses.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import aiohttp

from identity_svc.openid_providers.models import ProviderUnavailable, RefusedByProvider
from shared.clients.outside import outside_session
from shared.values.addresses import Network

MAX_ANSWER_BYTES = 256 * 1024
"""The largest answer; a key set of a large provider has 10 KB."""

_AT_ONCE = 32
"""Calls to one provider at the same time: a slow one delays no other, and takes little memory."""


class ProviderConnections:
    """Connections to providers. Redirects are not followed."""

    def __init__(self, allowed: Sequence[Network], seconds: float) -> None:
        """`seconds` is the longest time of a call."""
        self._allowed = allowed
        self._limits = aiohttp.ClientTimeout(total=seconds)
        self._session: aiohttp.ClientSession | None = None
        self._under_way: Counter[str] = Counter()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Opens the pool for the time of the block."""
        async with outside_session("LogIn", self._allowed, self._limits) as self._session:
            yield
        self._session = None

    async def get(self, provider: str, url: str, token: str | None = None) -> dict[str, Any]:
        """The JSON object at an address, by GET; `token` is an access token.

        Raises `ProviderUnavailable`, or `RefusedByProvider` where the token is refused.
        """
        headers = {"Accept": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        status, answer = await self._call(provider, "GET", url, headers, None)
        if token is not None and status in (400, 401, 403):
            raise RefusedByProvider
        if status != 200:
            raise _odd(provider, f"status {status} of {url}")
        return answer

    async def post(
        self, provider: str, url: str, form: Mapping[str, str], headers: Mapping[str, str]
    ) -> dict[str, Any]:
        """The JSON object that answers a form.

        Raises `ProviderUnavailable`, or `RefusedByProvider` where the form is refused.
        """
        given = {"Accept": "application/json", **headers}
        status, answer = await self._call(provider, "POST", url, given, form)
        if status in (400, 401, 403) and isinstance(answer.get("error"), str):
            raise RefusedByProvider from ValueError(f"{url}: {answer['error'][:200]}")
        if status != 200:
            raise _odd(provider, f"status {status} of {url}")
        return answer

    async def _call(
        self,
        provider: str,
        method: str,
        url: str,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None,
    ) -> tuple[int, dict[str, Any]]:
        if self._session is None:
            raise ProviderUnavailable(provider)
        try:
            with self._turn(provider):
                async with self._session.request(
                    method, url, headers=headers, data=form, allow_redirects=False
                ) as response:
                    body = await _read(response, provider)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise ProviderUnavailable(provider) from error
        return response.status, _object(body)

    @contextmanager
    def _turn(self, provider: str) -> Iterator[None]:
        if self._under_way[provider] >= _AT_ONCE:
            raise _odd(provider, "too many calls at once")
        self._under_way[provider] += 1
        try:
            yield
        finally:
            self._under_way[provider] -= 1


async def _read(response: aiohttp.ClientResponse, provider: str) -> bytes:
    if "Content-Encoding" in response.headers:
        raise _odd(provider, "an encoded answer")
    body = bytearray()
    while more := await response.content.read(MAX_ANSWER_BYTES + 1 - len(body)):
        body += more
        if len(body) > MAX_ANSWER_BYTES:
            raise _odd(provider, f"an answer of more than {MAX_ANSWER_BYTES} bytes")
    return bytes(body)


def _object(body: bytes) -> dict[str, Any]:
    """The JSON object; an empty one, which lacks every field, if the text is none."""
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _odd(provider: str, why: str) -> ProviderUnavailable:
    odd = ProviderUnavailable(provider)
    odd.__cause__ = ValueError(why)
    return odd
