"""A relying party of others lets a user log in as they do for their account."""

import re

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import expect

from tests.interop.oauth.browser import Browser
from tests.interop.oauth.programs import logged_in, openid_client
from tests.interop.pages.conftest import Visitor
from tests.interop.pages.test_passkeys import NO_SUGGESTION, authenticator, with_passkey
from tests.support.client import Client
from tests.support.own_service import provider_with_pages
from tests.support.pages import log_in_mail
from tests.support.relying_party import REDIRECT_URI, RelyingParty
from tests.support.system import Installation

pytestmark = pytest.mark.xdist_group("browser")

SCOPE = "openid email offline_access resource"


@pytest.fixture(scope="module")
async def party(registrar: Client) -> RelyingParty:
    """A client of our own, which needs no consent."""
    return await RelyingParty.register(
        registrar,
        scopes=SCOPE.split(),
        post_logout_redirect_uris=[REDIRECT_URI],
        first_party=True,
    )


def told(party: RelyingParty, issuer: str) -> dict[str, object]:
    return {
        "issuer": issuer,
        "client_id": party.client_id,
        "secret": party.secret,
        "redirect_uri": REDIRECT_URI,
        "scope": SCOPE,
        "dpop": False,
    }


async def test_a_passkey(
    system: Installation, party: RelyingParty, client: Client, chromium: Chromium
) -> None:
    command = openid_client()
    if isinstance(command, str):
        pytest.skip(command)
    await client.become_member()
    async with provider_with_pages(system) as issuer:
        context = await chromium.new_context(locale="en", base_url=issuer)
        page = await context.new_page()
        visitor = Visitor(page, "")
        context.on("console", visitor.reported)
        # The button logs in: a suggestion, which the authenticator takes at once, would be first.
        await page.add_init_script(NO_SUGGESTION)
        await authenticator(page)
        await with_passkey(visitor, client.email)
        await visitor.submit("Log out")
        await expect(page.get_by_role("button", name="Log in with a passkey")).to_be_visible()
        await page.route(f"{REDIRECT_URI}**", lambda route: route.fulfill(body="back"))

        async def browse(start: str) -> str:
            await page.goto(start)
            await expect(page.get_by_text("You log in for the application")).to_be_visible()
            await page.get_by_role("button", name="Log in with a passkey").click()
            await expect(page).to_have_url(re.compile(re.escape(f"{REDIRECT_URI}?code=")))
            return page.url

        result = await logged_in(command, told(party, issuer), browse)
        await context.close()

    assert result["user"]["email"] == client.email
    assert visitor.faults == []


async def test_a_mailed_code(system: Installation, party: RelyingParty, client: Client) -> None:
    command = openid_client()
    if isinstance(command, str):
        pytest.skip(command)
    await client.become_member()
    async with Browser(client) as browser:

        async def browse(start: str) -> str:
            shown = await browser.get(start)
            link = re.search(r'href="(/account/log-in/mail\?[^"]*)"', shown.html)
            assert link is not None
            sent = await browser.fill_in(link[1], email=client.email)
            _, code = await log_in_mail(system, client.email)
            form = sent.form("/account/log-in/code")
            resumed = await browser.post(
                form.action, {**form.fields, "code": code}, allow_redirects=False
            )
            end = await browser.get(resumed.headers["Location"], allow_redirects=False)
            return end.headers["Location"]

        result = await logged_in(command, told(party, system.gateway_url), browse)

    assert result["user"]["email"] == client.email
