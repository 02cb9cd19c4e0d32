"""A browser without JavaScript: fetches pages, fills in their forms and follows redirects."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Self
from urllib.parse import quote

import aiohttp
from yarl import URL

from tests.support.client import USER_AGENT, Client
from tests.support.system import PASSWORD, Installation
from tests.support.waiting import until


@dataclass
class Form:
    """A form of a page: where it goes, and its fields with their values."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    """Finds forms and the texts of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.words: list[str] = []
        self._choice = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get")))
        elif tag in ("input", "textarea", "select") and "name" in given:
            if given.get("type") == "checkbox" and "checked" not in given:
                return
            self.forms[-1].fields[given["name"]] = given.get("value", "")
            self._choice = given["name"] if tag == "select" else ""
        elif tag == "option" and self._choice:
            fields = self.forms[-1].fields
            if "selected" in given or not fields[self._choice]:
                fields[self._choice] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.append(data.strip())


@dataclass(frozen=True)
class Shown:
    """A page as it arrived."""

    status: int
    url: URL
    html: str
    headers: Mapping[str, str]

    @property
    def forms(self) -> list[Form]:
        return _read(self.html).forms

    @property
    def text(self) -> str:
        return " ".join(_read(self.html).words)

    def form(self, action: str, **having: str) -> Form:
        """The first form that goes to this address and has these values.

        A form without an address goes to its own page.
        """
        return next(
            form
            for form in self.forms
            if form.method == "post"
            and (form.action or self.url.path).partition("?")[0] == action
            and having.items() <= form.fields.items()
        )


def form_of(html: str, action: str) -> Form:
    """The form of a page that goes to this address."""
    return next(form for form in _read(html).forms if form.action == action)


def _read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    return reader


class Pages:
    """One visitor."""

    def __init__(self, system: Installation, **headers: str) -> None:
        self.system = system
        self.email = f"{secrets.token_hex(6)}@example.com"
        self._headers = {"User-Agent": USER_AGENT, "Accept-Language": "en", **headers}

    async def __aenter__(self) -> Self:
        self.http = aiohttp.ClientSession(
            self.system.gateway_url,
            headers=self._headers,
            cookie_jar=aiohttp.CookieJar(
                unsafe=True, treat_as_secure_origin=[URL(self.system.gateway_url)]
            ),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    async def get(self, path: str, **options: Any) -> Shown:
        """A page, after its redirects unless they are switched off."""
        async with self.http.get(path, **options) as answer:
            return Shown(answer.status, answer.url, await answer.text(), answer.headers)

    async def post(self, path: str, form: Mapping[str, Any] | Any, **options: Any) -> Shown:
        """What a form's answer leads to."""
        async with self.http.post(path, data=form, **options) as answer:
            return Shown(answer.status, answer.url, await answer.text(), answer.headers)

    async def fill_in(self, page: str, action: str = "", /, **typed: str) -> Shown:
        """Opens a page, and sends the form that goes to `action`, by default to the page."""
        shown = await self.get(page)
        path = action or page.partition("?")[0]
        form = shown.form(path)
        return await self.post(path, {**form.fields, **typed})

    async def send(
        self, shown: Shown, action: str, /, having: Mapping[str, str], **typed: str
    ) -> Shown:
        """Sends the form of a page at hand that goes to `action` and has these values."""
        form = shown.form(action, **having)
        return await self.post(form.action or shown.url.path_qs, {**form.fields, **typed})

    async def sign_up(self) -> Shown:
        """Signs up by the page."""
        return await self.fill_in("/account/sign-up", email=self.email, password=PASSWORD)

    async def log_in(self, email: str, password: str = PASSWORD, **typed: str) -> Shown:
        """Logs in by the page."""
        return await self.fill_in("/account/log-in", email=email, password=password, **typed)

    async def mailed_token(self) -> str:
        """The token of the latest mail to this visitor."""
        client = Client(self.system)
        client.email = self.email
        return await client.mailed_token()


async def log_in_mail(system: Installation, email: str) -> tuple[str, str]:
    """The path of the link, and the code, of the latest mail for a log-in to this address."""
    file = system.mail / f"{quote(email, safe='@')}.eml"

    async def arrived() -> tuple[str, str] | None:
        mail = file.read_text().replace("=\n", "").replace("=3D", "=") if file.exists() else ""
        link = re.search(r"https?://[^/]+(/account/log-in/code\?log_in_token=\S+)", mail)
        code = re.search(r"type this code there: (\d{4} \d{4})", mail)
        return (link[1], code[1]) if link and code else None

    found = await until(arrived)
    assert found is not None
    return found
