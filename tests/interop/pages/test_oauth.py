"""The pages of the OAuth provider in Chromium: each of them, in both languages, at two widths.

The log-in is console-svc's; oauth-svc's own plain one is looked at beside it.
"""

import re
from collections.abc import AsyncIterator
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.async_api import expect

from tests.interop.pages.conftest import Visitor, Windows
from tests.support.client import Client
from tests.support.device import DEVICE_CODE, ask, poll
from tests.support.relying_party import REDIRECT_URI, RelyingParty
from tests.support.system import PASSWORD, Installation

pytestmark = pytest.mark.xdist_group("browser")

SCOPE = "openid profile email address phone offline_access"
TITLES = {
    "en": {
        "log-in": "Log in",
        "consent": "Allow access?",
        "log-out": "Log out?",
        "logged out": "You are logged out",
        "error": "This does not work",
        "expired": "Too late",
        "code": "Connect a device",
        "device": "Connect this device?",
        "connected": "Your device is connected",
        "refused": "You refused",
    },
    "de": {
        "log-in": "Anmelden",
        "consent": "Zugriff erlauben?",
        "log-out": "Abmelden?",
        "logged out": "Sie sind abgemeldet",
        "error": "Das geht nicht",
        "expired": "Zu spät",
        "code": "Gerät verbinden",
        "device": "Dieses Gerät verbinden?",
        "connected": "Ihr Gerät ist verbunden",
        "refused": "Sie haben abgelehnt",
    },
}


@pytest.fixture(scope="module")
async def party(system: Installation) -> AsyncIterator[RelyingParty]:
    async with Client(system) as admin:
        await admin.log_in_as_superadmin()
        async with await RelyingParty.register(admin, scopes=SCOPE.split()) as made:
            yield made


@pytest.fixture(scope="module")
async def device(system: Installation) -> AsyncIterator[RelyingParty]:
    async with Client(system) as admin:
        await admin.log_in_as_superadmin()
        async with await RelyingParty.register(
            admin,
            name="A television",
            authentication="none",
            redirect_uris=[],
            scopes=SCOPE.split(),
            grant_types=[DEVICE_CODE, "refresh_token"],
        ) as made:
            yield made


@pytest.mark.parametrize("colors", ["light", "dark"])
@pytest.mark.parametrize("language", TITLES)
async def test_axe_finds_nothing_on_any_page(
    windows: Windows, client: Client, party: RelyingParty, language: str, colors: str
) -> None:
    await client.become_member()
    context, visitor = await windows.open(language, color_scheme=colors)
    page, titles = visitor.page, TITLES[language]
    found: dict[str, list[str]] = {}

    async def judged(what: str, title: str) -> None:
        """The page that is shown now."""
        await expect(page.locator("h1")).to_have_text(titles[title])
        assert await page.locator("html").get_attribute("lang") == language
        if faults := await visitor.judge_at_both_widths():
            found[what] = faults

    await page.goto(f"/oauth/authorize?{urlencode(party.request(scope=SCOPE))}")
    await judged("log-in", "log-in")
    await expect(page.get_by_text("An app")).to_be_visible()
    challenge = page.url
    await log_in(visitor, email=client.email, password="wrong")
    await expect(page.get_by_role("alert")).to_be_visible()
    await judged("refused log-in", "log-in")
    plain = f"/oauth/login?{urlsplit(challenge).query}"
    await page.goto(plain)
    await judged("plain log-in", "log-in")
    await press(visitor, "accept", email=client.email, password="wrong")
    await expect(page.get_by_role("alert")).to_be_visible()
    await judged("refused plain log-in", "log-in")
    await page.goto(challenge)
    await log_in(visitor, email=client.email, password=PASSWORD)
    await judged("consent", "consent")
    await page.route(f"{REDIRECT_URI}**", lambda route: route.fulfill(body="back"))
    await press(visitor, "accept")
    await expect(page).to_have_url(re.compile(re.escape(REDIRECT_URI)))
    await page.goto(plain)
    await judged("used challenge", "expired")
    await page.goto(
        f"/oauth/authorize?{urlencode(party.request(prompt='login', acr_values='aal2'))}"
    )
    await expect(page.get_by_text(client.email).nth(1)).to_be_visible()
    await judged("log-in once more", "log-in")
    await page.locator("form[action='/account/log-in/refusal'] button").click()
    await expect(page).to_have_url(re.compile("error=access_denied"))
    await page.goto("/oauth/authorize?client_id=nobody")
    await judged("unknown client", "error")
    await page.goto("/oauth/logout")
    await judged("log-out", "log-out")
    await page.locator("main form button").first.click()
    await judged("logged out", "logged out")
    await context.close()
    assert found == {}
    assert visitor.faults == []


@pytest.mark.parametrize("colors", ["light", "dark"])
@pytest.mark.parametrize("language", TITLES)
async def test_axe_finds_nothing_on_the_pages_for_devices(
    windows: Windows, client: Client, device: RelyingParty, language: str, colors: str
) -> None:
    """A user in Chromium allows one device, and refuses another."""
    await client.become_member()
    context, visitor = await windows.open(language, color_scheme=colors)
    page, titles = visitor.page, TITLES[language]
    found: dict[str, list[str]] = {}

    async def judged(what: str, title: str) -> None:
        """The page that is shown now."""
        await expect(page.locator("h1")).to_have_text(titles[title])
        assert await page.locator("html").get_attribute("lang") == language
        if faults := await visitor.judge_at_both_widths():
            found[what] = faults

    async def submit(**typed: str) -> None:
        for name, value in typed.items():
            await page.locator(f"[name={name}]").fill(value)
        await page.locator("main form button").first.click()

    begun = await ask(device, scope=SCOPE)
    await page.goto(begun["verification_uri_complete"])
    await judged("log-in", "log-in")
    plain = f"/oauth/device/login?user_code={begun['user_code']}"
    await page.goto(plain)
    await judged("plain log-in", "log-in")
    await submit(email=client.email, password="wrong")
    await expect(page.get_by_role("alert")).to_be_visible()
    await judged("refused plain log-in", "log-in")
    await page.goto(begun["verification_uri_complete"])
    await log_in(visitor, email=client.email, password=PASSWORD)
    await judged("code", "code")
    await expect(page.locator("[name=user_code]")).to_have_value(begun["user_code"])
    await submit(user_code="BCDF-GHJK")
    await expect(page.get_by_role("alert")).to_be_visible()
    await judged("wrong code", "code")
    await submit(user_code=begun["user_code"].lower())
    await judged("device", "device")
    await press(visitor, "accept")
    await judged("connected", "connected")
    assert (await poll(device, begun))[0] == 200
    begun = await ask(device, scope=SCOPE)
    await page.goto(begun["verification_uri"])
    await submit(user_code=begun["user_code"])
    await press(visitor, "refuse")
    await judged("refused", "refused")
    assert (await poll(device, begun))[1]["error"] == "access_denied"
    await context.close()
    assert found == {}
    assert visitor.faults == []


async def log_in(visitor: Visitor, **typed: str) -> None:
    """Sends the form of console-svc's log-in."""
    form = visitor.page.locator("form[action='/account/log-in']")
    for name, value in typed.items():
        await form.locator(f"[name={name}]").fill(value)
    await form.get_by_role("button").click()


async def press(visitor: Visitor, action: str, **typed: str) -> None:
    """Fills in fields by their names, and presses the button of an action."""
    for name, value in typed.items():
        await visitor.page.locator(f"[name={name}]").fill(value)
    await visitor.page.locator(f"button[value={action}]").click()
