"""Calls to another service's internal API: authenticated, with a time limit."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
import structlog

from shared import tracing
from shared.contracts.authentication import StepUpRequired
from shared.contracts.changes import CHANGED_HEADER, listed, note
from shared.errors import Invalid, NotFound, SessionEnded, Throttled, Unavailable, UserNotActive
from shared.repeated_calls import until_received
from shared.tokens.service import ServiceTokens

log = structlog.get_logger()

_BRACES = frozenset("{}")
TIMEOUT = aiohttp.ClientTimeout(total=5, connect=2)


class InternalApi:
    """The internal API of one service, over a pool of connections.

    A kept connection may lead to another program than before, for example if another pod has got a
    pod's address. So once an answer is not from the service itself, each call asks for its
    connection to be closed, until an answer is right.
    """

    def __init__(
        self,
        url: str,
        service: str,
        tokens: ServiceTokens,
        *,
        timeout: aiohttp.ClientTimeout = TIMEOUT,
    ) -> None:
        self._url = url.rstrip("/")
        self._service = service
        self._tokens = tokens
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None
        self._last_was_right = True

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Opens the pool for the time of the block."""
        async with aiohttp.ClientSession(
            timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar()
        ) as self._session:
            yield
        self._session = None

    async def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        repeatable: bool = False,
    ) -> Any:
        """The answer's JSON, None where it is empty.

        `repeatable`: whether the call may arrive twice, as every GET may.

        Raises `NotFound` for 404, `Invalid` for 422, `Throttled` for 429, `UserNotActive`,
        `SessionEnded` or `StepUpRequired` where that is so of the user whom the call is about, and
        `Unavailable` for everything else.
        """
        headers = {
            "Authorization": f"Bearer {self._tokens.issue(self._service)}",
            "Content-Type": "application/json",
            **_correlation(),
        }
        if not self._last_was_right:
            headers["Connection"] = "close"
        data = None if body is None else _encoded(body)
        with tracing.calling(self._service, method) as span:
            headers |= tracing.headers()
            try:
                status, answer, received = await self._answer(
                    method, path, data, headers, repeatable=repeatable or method == "GET"
                )
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                self._last_was_right = False
                raise Unavailable(self._service) from error
            span.set_attribute("http.response.status_code", status)
        self._last_was_right = True
        codes = answer.get("errors") if isinstance(answer, dict) else None
        if status == 404 and codes:
            raise NotFound(codes)
        if status == 422 and codes:
            raise Invalid(codes)
        if status == 429:
            raise Throttled(int(received.get("Retry-After", "1")))
        for ended in (UserNotActive, SessionEnded):
            if status == 401 and codes == list(ended.codes):
                raise ended
        if status == 401 and codes == list(StepUpRequired.codes):
            raise StepUpRequired.of(received.get("WWW-Authenticate", ""))
        if status >= 300:
            self._last_was_right = False
            log.error("internal_call_refused", service=self._service, path=path, status=status)
            raise Unavailable(self._service)
        return answer

    async def _answer(
        self,
        method: str,
        path: str,
        data: bytes | None,
        headers: Mapping[str, str],
        *,
        repeatable: bool,
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Status, JSON and headers; raises what aiohttp raises."""
        session = self._session
        if session is None:
            raise ConnectionError("not opened")

        async def send() -> tuple[int, Any, Mapping[str, str]]:
            async with session.request(
                method, self._url + path, data=data, headers=headers, allow_redirects=False
            ) as response:
                answer = await response.json() if response.content_length else None
                note(listed(response.headers.get(CHANGED_HEADER, "")), here=False)
                return response.status, answer, response.headers

        return await until_received(send, repeatable=repeatable)


def segment(value: str) -> str:
    """A value as one segment of a path; raises `NotFound` for what a path cannot carry.

    aiohttp's patterns of paths match no braces.
    """
    if value in ("", ".", "..") or not _BRACES.isdisjoint(value):
        raise NotFound
    return quote(value, safe="")


def _encoded(body: Mapping[str, Any]) -> bytes:
    """JSON in UTF-8, a third of the size with escapes; only surrogates are escaped."""
    try:
        return orjson.dumps(body)
    except TypeError:
        return json.dumps(body).encode()


def _correlation() -> dict[str, str]:
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    return {"X-Request-Id": request_id} if request_id else {}
