"""A device without a browser, and the browser in which its user enters the code."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tests.support.pages import form_of
from tests.support.relying_party import Page, RelyingParty
from tests.support.system import PASSWORD

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


async def ask(party: RelyingParty, **form: str | None) -> Mapping[str, Any]:
    """What the device gets when it asks."""
    status, begun = await party.post("/oauth/device_authorization", **{"scope": "openid", **form})
    assert status == 200, begun
    found: Mapping[str, Any] = begun
    return found


async def poll(party: RelyingParty, begun: Mapping[str, Any]) -> tuple[int, Any]:
    return await party.post(
        "/oauth/token", grant_type=DEVICE_CODE, device_code=begun["device_code"]
    )


class Person:
    """Somebody with a browser; `address` is theirs."""

    def __init__(self, browser: RelyingParty, email: str, address: str = "127.0.0.1") -> None:
        self.browser = browser
        self.email = email
        self.headers = {"X-Forwarded-For": address}

    async def get(self, url: str) -> Page:
        return await self.browser.visit("GET", url, headers=self.headers)

    async def post(self, path: str, **form: str) -> Page:
        headers = {**self.browser.origin, **self.headers}
        return await self.browser.visit("POST", path, data=form, headers=headers)

    async def log_in(self, url: str, password: str = PASSWORD) -> Page:
        """What comes after the log-in to which the page at `url` leads."""
        place = (await self.get(url)).location
        path, page = urlsplit(place).path, await self.get(place)
        typed = {"email": self.email, "password": password}
        return await self.post(path, **{**form_of(page.text, path).fields, **typed})

    async def form(self, begun: Mapping[str, Any]) -> Page:
        """The page with the code filled in, after a log-in if one is needed."""
        page = await self.get(begun["verification_uri_complete"])
        if page.status == 303:
            page = await self.log_in(begun["verification_uri_complete"])
            page = await self.get(page.location)
        assert page.status == 200, page.text
        return page

    async def enter(self, begun: Mapping[str, Any], code: str | None = None) -> Page:
        """The answer to the code that the device shows, or to another one."""
        form = await self.form(begun)
        return await self.post(
            "/oauth/device",
            csrf_token=form.field("csrf_token"),
            user_code=begun["user_code"] if code is None else code,
        )

    async def request(self, begun: Mapping[str, Any]) -> Page:
        """The page that shows what the device asks."""
        return await self.get((await self.enter(begun)).location)

    async def respond(self, page: Page, action: str = "accept") -> Page:
        return await self.post(
            "/oauth/device/confirm",
            request=page.field("request"),
            csrf_token=page.field("csrf_token"),
            action=action,
        )

    async def allow(self, begun: Mapping[str, Any]) -> None:
        page = await self.respond(await self.request(begun))
        assert page.status == 200, page.text
