"""The client of the public API, which calls through the gateway as the visitor.

Sessions are bound to the User-Agent and the network of their user, and rates are per address: each
call carries both of the visitor. The gateway believes it, because console-svc is a trusted proxy.
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from shared import tracing
from shared.errors import Unavailable
from shared.repeated_calls import until_received
from shared.web.context import CLIENT_ADDRESS, REQUEST_ID
from shared.web.cookies import cookies

PREFIX = "/api/v2/barong/"
DEVICE_COOKIE = "_barong_trusted_device"
"""By which identity-svc knows a trusted device at its log-in."""
BROWSER_COOKIE = "_barong_mail_log_in"
"""By which it knows the browser that asked for a log-in by mail."""
PROVIDER_COOKIE = "_barong_provider_log_in"
"""By which it knows the browser that was sent to another OpenID provider."""
_MAX_ANSWER_BYTES = 16 * 1024 * 1024
_CONNECTIONS = 256


class ApiRefusal(Exception):
    """The API refused a call, for the reasons that `codes` give.

    `wanted_level` is the `acr` that the session has to reach first (RFC 9470), blank without one.
    """

    def __init__(
        self,
        status: int,
        codes: Sequence[str],
        retry_after: int | None = None,
        wanted_level: str = "",
    ) -> None:
        super().__init__(status, *codes)
        self.status = status
        self.codes = tuple(codes)
        self.retry_after = retry_after
        self.wanted_level = wanted_level

    @property
    def means_logged_out(self) -> bool:
        """Whether there is no session, or it has ended."""
        return self.status == 401 and any(code in _LOGGED_OUT for code in self.codes)

    @property
    def hides_visitor(self) -> bool:
        """Whether it is not told who the visitor is: nobody is, or a restriction keeps them out."""
        return self.status == 401 or _is_restriction(self.codes)

    @property
    def wants_verification(self) -> bool:
        """Whether the visitor has to prove once more who they are, or by a stronger method."""
        return self.status == 401 and _STEP_UP in self.codes


_PROVIDER_AWAY = "log_in_provider.unavailable"
"""Not part of the system: the page says that it is the provider's fault."""
_STEP_UP = "authz.insufficient_user_authentication"
_LEVEL = re.compile(r'acr_values="(\w{1,32})"')
_LOGGED_OUT = frozenset(
    {
        "authz.invalid_session",
        "authz.client_session_mismatch",
        "identity.session.not_found",
        "jwt.decode_and_verify",
    }
)


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """What the API answered; `body` is parsed JSON, or None without a body."""

    body: Any
    headers: CIMultiDictProxy[str]

    @property
    def total(self) -> int | None:
        """How many records there are on all pages, if the API counts them."""
        value = self.headers.get("Total", "")
        return int(value) if value.isdecimal() else None

    @property
    def is_more(self) -> bool:
        """Whether there are more than `total`."""
        return self.headers.get("Total-Relation") == "gt"


class Api:
    """Calls the gateway at `url`; `opened` has to be entered first."""

    def __init__(self, url: str, session_name: str, seconds: float) -> None:
        self._url = url.rstrip("/")
        self._session_name = session_name
        self._timeout = aiohttp.ClientTimeout(total=seconds)
        self._http: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Keeps the connections to the gateway."""
        async with aiohttp.ClientSession(
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
            skip_auto_headers=("User-Agent", "Accept"),
        ) as http:
            self._http = http
            yield

    def has_session(self, request: web.Request) -> bool:
        """Whether the visitor brings a session cookie, valid or not."""
        return bool(cookies(request.headers, self._session_name))

    async def call(
        self,
        request: web.Request,
        method: str,
        path: str,
        *,
        csrf: str = "",
        form: Mapping[str, str] | None = None,
        data: aiohttp.FormData | None = None,
        query: Mapping[str, str] | None = None,
        seconds: float | None = None,
        place: str = "",
    ) -> ApiAnswer:
        """Calls an operation below /api/v2/barong/ as the visitor of `request`.

        `place` is another address at the gateway. `form` is sent as JSON, `data` as it is. Raises
        `ApiRefusal`, or `Unavailable` when the gateway does not answer in time.
        """
        async with self.streamed(
            request,
            method,
            path,
            csrf=csrf,
            form=form,
            data=data,
            query=query,
            seconds=seconds,
            place=place,
        ) as response:
            try:
                content = await _content(response)
            except (TimeoutError, aiohttp.ClientError) as error:
                raise Unavailable("authz-gateway") from error
        body = _parsed(content)
        if response.status >= 400:
            raise _refusal(response, body)
        return ApiAnswer(body, response.headers)

    @asynccontextmanager
    async def streamed(
        self,
        request: web.Request,
        method: str,
        path: str,
        *,
        csrf: str = "",
        form: Mapping[str, str] | None = None,
        data: aiohttp.FormData | None = None,
        query: Mapping[str, str] | None = None,
        seconds: float | None = None,
        place: str = "",
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The same call, whose answer is read by the caller, whatever its status is."""
        if self._http is None:
            raise Unavailable("authz-gateway")
        url = URL(f"{self._url}{place or PREFIX + path}", encoded=True)
        headers = self._headers(request)
        if csrf:
            headers["X-CSRF-Token"] = csrf
        if form is not None:
            headers["Content-Type"] = "application/json"
        with tracing.calling("authz-gateway", method):
            headers.update(tracing.headers())
            try:
                response = await self._send(
                    self._http,
                    method,
                    url.with_query(dict(query)) if query else url,
                    headers,
                    orjson.dumps(dict(form)) if form is not None else data,
                    aiohttp.ClientTimeout(total=seconds) if seconds else self._timeout,
                )
            except (TimeoutError, aiohttp.ClientError) as error:
                raise Unavailable("authz-gateway") from error
            async with response:
                yield response

    async def _send(
        self,
        http: aiohttp.ClientSession,
        method: str,
        url: URL,
        headers: CIMultiDict[str],
        data: bytes | aiohttp.FormData | None,
        limits: aiohttp.ClientTimeout,
    ) -> aiohttp.ClientResponse:
        """The answer to a call, made again if a gateway that ended did not receive it."""

        async def send() -> aiohttp.ClientResponse:
            return await http.request(
                method, url, data=data, headers=headers, allow_redirects=False, timeout=limits
            )

        if isinstance(data, aiohttp.FormData):  # which can be read only once
            return await send()
        return await until_received(send, repeatable=method == "GET")

    def _headers(self, request: web.Request) -> CIMultiDict[str]:
        """The visitor, as the gateway has to see them."""
        headers = CIMultiDict(
            {
                "X-Forwarded-For": str(request[CLIENT_ADDRESS]),
                "X-Forwarded-Host": host_of(request),
                "X-Forwarded-Proto": scheme_of(request),
                "X-Request-Id": request[REQUEST_ID],
                "Accept": "application/json",
            }
        )
        # A call without the header must be one without it at the gateway, too.
        if "User-Agent" in request.headers:
            headers["User-Agent"] = request.headers["User-Agent"]
        brought = [
            f"{name}={value}"
            for name in (self._session_name, DEVICE_COOKIE, BROWSER_COOKIE, PROVIDER_COOKIE)
            for value in cookies(request.headers, name)
        ]
        if brought:
            headers["Cookie"] = "; ".join(brought)
        return headers


async def refusal_of(response: aiohttp.ClientResponse) -> ApiRefusal | Unavailable:
    """Why a streamed call was refused: its codes, and what helps."""
    try:
        return _refusal(response, _parsed(await _content(response)))
    except (TimeoutError, aiohttp.ClientError) as error:
        raise Unavailable("authz-gateway") from error


def host_of(request: web.Request) -> str:
    """The host that the visitor called, as the gateway tells it."""
    return request.headers.get("X-Forwarded-Host", request.host)


def scheme_of(request: web.Request) -> str:
    """`https` if the visitor called by it."""
    return "https" if request.headers.get("X-Forwarded-Proto") == "https" else "http"


async def _content(response: aiohttp.ClientResponse) -> bytes:
    """The body; raises `ClientError` for one that is too large to be an answer to a page."""
    parts, size = [], 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > _MAX_ANSWER_BYTES:
            raise aiohttp.ClientPayloadError("The answer is too large.")
        parts.append(part)
    return b"".join(parts)


def _is_restriction(codes: Sequence[str]) -> bool:
    return any(code.startswith("authz.restrict.") for code in codes)


def _parsed(content: bytes) -> Any:
    try:
        return orjson.loads(content) if content else None
    except orjson.JSONDecodeError:
        return None


def _refusal(response: aiohttp.ClientResponse, body: Any) -> ApiRefusal | Unavailable:
    codes = body.get("errors") if isinstance(body, dict) else None
    known = [str(code) for code in codes] if isinstance(codes, list) else []
    away = response.status in (502, 503, 504) and _PROVIDER_AWAY not in known
    if away and not _is_restriction(known):  # maintenance has a status of the operator's choice
        return Unavailable("api")
    after = response.headers.get("Retry-After", "")
    level = _LEVEL.search(response.headers.get("WWW-Authenticate", ""))
    return ApiRefusal(
        response.status,
        known,
        int(after) if after.isdecimal() else None,
        level[1] if level else "",
    )
