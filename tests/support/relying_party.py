"""A relying party, by hand: what its browser and its server send, step by step."""

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import aiohttp

from tests.support.client import USER_AGENT, Client
from tests.support.pages import form_of
from tests.support.system import Installation

REDIRECT_URI = "https://app.example.com/callback"
VERIFIER = secrets.token_urlsafe(48)
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)


@dataclass(frozen=True, slots=True)
class Page:
    """What a browser got: a page, or where it is sent."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def location(self) -> str:
        return self.headers["Location"]

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of the redirect."""
        return dict(parse_qsl(urlsplit(self.location).query))

    def field(self, name: str) -> str:
        """The value of a hidden field."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.text)
        assert found is not None, self.text
        return found[1]


class RelyingParty:
    """A registered client, its server, and the browser of one of its users."""

    def __init__(self, system: Installation, registered: Mapping[str, Any]) -> None:
        self.system = system
        self.client_id: str = registered["client_id"]
        self.secret: str | None = registered.get("client_secret")

    @classmethod
    async def register(cls, admin: Client, **values: Any) -> Self:
        made = await admin.call(
            "POST",
            "admin/oauth_clients",
            json={"name": "An app", "redirect_uris": [REDIRECT_URI], **values},
        )
        assert made.status == 201, made.body
        return cls(admin.system, made.body)

    async def __aenter__(self) -> Self:
        self.http = aiohttp.ClientSession(
            self.system.gateway_url,
            headers={"User-Agent": USER_AGENT},
            cookie_jar=aiohttp.CookieJar(unsafe=True),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    def request(self, **changes: str | None) -> dict[str, str]:
        """The parameters of a good authorization request, with changes; None removes one."""
        parameters = {
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": REDIRECT_URI,
            "scope": "openid",
            "state": "a-state",
            "nonce": "a-nonce",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in parameters.items() if value is not None}

    async def visit(self, method: str, url: str, **options: Any) -> Page:
        """One step of the browser, which follows no redirect by itself."""
        local = url.removeprefix(self.system.gateway_url)
        async with self.http.request(method, local, allow_redirects=False, **options) as got:
            return Page(got.status, dict(got.headers), await got.text())

    async def authorize(self, **changes: str | None) -> Page:
        return await self.visit("GET", "/oauth/authorize", params=self.request(**changes))

    async def fill_in(self, page: Page, email: str, password: str) -> Page:
        """Logs in by the page to which `page` leads; the answer leads on."""
        shown = await self.visit("GET", page.location)
        path = urlsplit(page.location).path
        typed = {**form_of(shown.text, path).fields, "email": email, "password": password}
        return await self.visit("POST", path, data=typed, headers=self.origin)

    async def plain_page(self, page: Page, **options: Any) -> Page:
        """oauth-svc's own page for the challenge of `page`."""
        return await self.visit(
            "GET",
            "/oauth/login",
            params={"login_challenge": page.parameters["login_challenge"]},
            **options,
        )

    async def log_in(self, page: Page, email: str, password: str, **more: str) -> Page:
        """Logs in for the challenge of `page` by oauth-svc's own page; the answer leads on."""
        challenge = page.parameters["login_challenge"]
        form = {"login_challenge": challenge, "email": email, "password": password, **more}
        return await self.visit(
            "POST", "/oauth/login", data={"action": "accept", **form}, headers=self.origin
        )

    async def consent(self, page: Page, action: str = "accept") -> Page:
        """Answers the page of consent to which `page` leads."""
        shown = await self.visit("GET", page.location)
        form = {name: shown.field(name) for name in ("consent_challenge", "csrf_token")}
        return await self.visit(
            "POST", "/oauth/consent", data={**form, "action": action}, headers=self.origin
        )

    async def code(self, email: str, password: str, **changes: str | None) -> str:
        """A code, by whatever pages are in the way."""
        page = await self.authorize(**changes)
        while "code" not in page.parameters:
            if "login_challenge" in page.parameters:
                page = await self.log_in(page, email, password)
            elif "consent_challenge" in page.parameters:
                page = await self.consent(page)
            else:
                assert "challenge" in page.parameters, page.location
                page = await self.visit("GET", page.location)
            assert page.status == 303, page.text
        return page.parameters["code"]

    @property
    def origin(self) -> dict[str, str]:
        """As a browser sends it with our own forms."""
        return {"Origin": self.system.gateway_url}

    async def post(self, path: str, **form: str | None) -> tuple[int, Any]:
        """A call of the client's server, with its credentials."""
        headers, given = self.authenticated(form)
        async with (
            aiohttp.ClientSession(self.system.gateway_url) as server,
            server.post(path, data=given, headers=headers) as got,
        ):
            return got.status, (await got.json()) if await got.text() else None

    def authenticated(
        self, form: Mapping[str, str | None]
    ) -> tuple[dict[str, str], dict[str, str]]:
        """The headers and the form of a call with the client's credentials."""
        given = {name: value for name, value in form.items() if value is not None}
        headers = {"User-Agent": "server/1.0"}
        if self.secret is None:
            return headers, {"client_id": self.client_id, **given}
        basic = base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()
        return {**headers, "Authorization": f"Basic {basic}"}, given

    async def redeem(self, code: str, **changes: str | None) -> tuple[int, Any]:
        return await self.post(
            "/oauth/token",
            **{
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": REDIRECT_URI,
                "code_verifier": VERIFIER,
                **changes,
            },
        )

    async def refresh(self, token: str, **changes: str | None) -> tuple[int, Any]:
        return await self.post(
            "/oauth/token", **{"grant_type": "refresh_token", "refresh_token": token, **changes}
        )

    async def userinfo(self, token: str) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            aiohttp.ClientSession(self.system.gateway_url) as server,
            server.get("/oauth/userinfo", headers=headers) as got,
        ):
            return got.status, await got.json()
