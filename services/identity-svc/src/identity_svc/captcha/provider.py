"""The interface to services that make captchas."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, Protocol

import aiohttp
import structlog

from identity_svc.captcha.models import CaptchaResponse
from shared.errors import Unavailable

log = structlog.get_logger()

_TIMEOUT = aiohttp.ClientTimeout(total=3)


class Provider(Protocol):
    """A service that makes captchas and verifies the responses to them."""

    name: str

    def opened(self) -> AbstractAsyncContextManager[None]:
        """Keeps connections open for the time of the block."""

    async def verify(self, response: CaptchaResponse | None) -> None:
        """Returns when the captcha is solved.

        Raises `CaptchaRequired`, `MandatoryFieldsMissing` or `VerificationFailed`, and
        `Unavailable` when the provider cannot answer.
        """


class NoCaptcha:
    """BARONG_CAPTCHA=none: every response is accepted, and so is a call without one."""

    name = "none"

    def opened(self) -> AbstractAsyncContextManager[None]:
        """Opens nothing."""
        return nullcontext()

    async def verify(self, response: CaptchaResponse | None) -> None:
        """Returns."""


class ProviderApi:
    """The HTTP API of a provider; an answer that its documentation lacks counts as an outage."""

    def __init__(self, name: str, url: str) -> None:
        self._name = name
        self._url = url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Keeps connections open for the time of the block."""
        async with aiohttp.ClientSession(
            timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()
        ) as self._session:
            yield
        self._session = None

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The JSON object that is the answer; raises `Unavailable`."""
        if self._session is None:
            raise Unavailable(self._name)
        try:
            async with self._session.request(
                method, self._url + path, params=query, data=form, allow_redirects=False
            ) as response:
                answer = await response.json(content_type=None) if response.status == 200 else None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, RecursionError) as error:
            raise Unavailable(self._name) from error
        if not isinstance(answer, dict):
            raise self.odd(f"status {response.status}")
        return answer

    def odd(self, why: str) -> Unavailable:
        """The error to raise for an answer that the provider's documentation does not describe."""
        log.error("captcha_provider_answers_oddly", provider=self._name, why=why)
        return Unavailable(self._name)
