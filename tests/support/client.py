"""An API consumer: talks to the gateway, keeps cookies and the CSRF token, reads their mail."""

import secrets
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp
from yarl import URL

from tests.contract.documented import disagreements
from tests.support.system import PASSWORD, SUPERADMIN, Installation
from tests.support.waiting import until

USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(repr=False)

    @property
    def errors(self) -> list[str]:
        return list(self.body["errors"])


class Client:
    """The client of one user, as a browser: it stores cookies and the CSRF token."""

    def __init__(self, system: Installation) -> None:
        self.system = system
        self.csrf_token = ""
        self.email = ""
        self.headers: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(
            self.system.gateway_url,
            headers={"User-Agent": USER_AGENT},
            # As in browsers, Secure cookies go to this machine without TLS.
            cookie_jar=aiohttp.CookieJar(
                unsafe=True, treat_as_secure_origin=[URL(self.system.gateway_url)]
            ),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.close()

    @property
    def cookie(self) -> str:
        """The session cookie's value."""
        cookies = self._http.cookie_jar.filter_cookies(URL(self.system.gateway_url))
        return cookies["_barong_session"].value if "_barong_session" in cookies else ""

    async def call(
        self, method: str, path: str, form: Mapping[str, Any] | None = None, **options: Any
    ) -> Answer:
        """A call with what the client keeps; `path` is below /api/v2/barong unless absolute."""
        url = path if path.startswith(("/api", "/.")) else f"/api/v2/barong/{path}"
        headers = self.headers | ({"X-CSRF-Token": self.csrf_token} if self.csrf_token else {})
        headers |= options.pop("headers", {})
        async with self._http.request(method, url, data=form, headers=headers, **options) as got:
            text = await got.text()
            body = await got.json() if got.content_type == "application/json" and text else text
        assert not (wrong := disagreements(method, url, got.status, got.headers, body)), wrong
        if isinstance(body, dict) and "csrf_token" in body:
            self.csrf_token = body["csrf_token"]
        return Answer(got.status, body, dict(got.headers))

    def streamed(
        self, path: str, params: Mapping[str, str]
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """An answer as it arrives; `path` is absolute."""
        return self._http.get(path, params=params)

    async def redirected(self, path: str, params: Mapping[str, str]) -> str:
        """Where a page sends this browser; `path` is absolute."""
        async with self._http.get(path, params=params, allow_redirects=False) as got:
            assert got.status == 303, await got.text()
            return got.headers["Location"]

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.call("GET", path, **options)

    async def post(
        self, path: str, form: Mapping[str, Any] | None = None, **options: Any
    ) -> Answer:
        return await self.call("POST", path, form, **options)

    async def sign_up(self, headers: Mapping[str, str] | None = None, **changes: str) -> Answer:
        """Signs up a new member."""
        self.email = changes.get("email", f"{secrets.token_hex(6)}@example.com")
        form = {"email": self.email, "password": PASSWORD, **changes}
        return await self.post("identity/users", form, headers=headers or {})

    async def confirm(self) -> Answer:
        """Confirms the address with the token that came by mail."""
        return await self.post(
            "identity/users/email/confirm_code", {"token": await self.mailed_token()}
        )

    async def log_in(self, email: str = "", password: str = PASSWORD) -> Answer:
        """Logs in; by default the member who has signed up here."""
        form = {"email": email or self.email, "password": password}
        return await self.post("identity/sessions", form)

    async def log_in_as_superadmin(self) -> Answer:
        return await self.log_in(SUPERADMIN)

    async def become_member(self) -> Answer:
        """Signs up and confirms the address, which gives level 1."""
        await self.sign_up()
        return await self.confirm()

    async def upstream_bearer(self) -> str:
        """The Authorization header that an API behind the gateway gets with this client's calls."""
        answer = await self.get("/api/v2/auth/resource/users/me")
        return answer.headers["Authorization"]

    async def mailed_token(self, seconds: float = 30) -> str:
        """The token of the latest mail to this client."""
        file = self.system.mail / f"{quote(self.email, safe='@')}.token"

        async def arrived() -> str:
            return file.read_text() if file.exists() else ""

        return await until(arrived, seconds)
